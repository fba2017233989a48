import type { Bytes, Store } from "./store.ts";
import { Hash, CommandError } from "./store.ts";
import type { CommandTable } from "./table.ts";
import { command } from "./table.ts";

/** The hash commands that the Worker, its packages and the tests use. @see https://redis.io/docs/latest/commands/?group=hash */
export const hashCommands: CommandTable = {
  HSET: command(-4, ({ store }, [key, ...pairs]) => setFields(store, key!, pairs)),
  HGET: command(3, ({ store }, [key, field]) => store.hash(key!)?.get(field!) ?? null),
  HMGET: command(-3, ({ store }, [key, ...fields]) => {
    const hash = store.hash(key!);
    return fields.map((field) => hash?.get(field) ?? null);
  }),
  HGETALL: command(2, ({ store }, [key]) => [...(store.hash(key!) ?? [])].flat()),
  HLEN: command(2, ({ store }, [key]) => store.hash(key!)?.size ?? 0),
  HDEL: command(-3, ({ store }, [key, ...fields]) => {
    const hash = store.hash(key!);
    if (!hash) return 0;
    const removed = fields.filter((field) => hash.delete(field)).length;
    if (hash.size === 0) store.delete(key!);
    return removed;
  }),
};

function setFields(store: Store, key: Bytes, pairs: readonly Bytes[]): number {
  if (pairs.length % 2 !== 0)
    throw new CommandError("ERR wrong number of arguments for 'hset' command");
  const hash = store.hash(key) ?? new Hash();
  const before = hash.size;
  for (let index = 0; index < pairs.length; index += 2) hash.set(pairs[index]!, pairs[index + 1]!);
  store.set(key, hash);
  return hash.size - before;
}
