import { scanOptions, scanPage } from "./keys.ts";
import { float, formatScore, integer } from "./numbers.ts";
import type { Bytes, Store } from "./store.ts";
import { Hash, OK, Refusal } from "./store.ts";
import type { CommandTable } from "./table.ts";
import { command } from "./table.ts";

/** Hash commands. @see https://redis.io/docs/latest/commands/?group=hash */
export const hashCommands: CommandTable = {
  HSET: command(-4, ({ store }, [key, ...pairs]) => setFields(store, "hset", key!, pairs)),
  HMSET: command(-4, ({ store }, [key, ...pairs]) => {
    setFields(store, "hmset", key!, pairs);
    return OK;
  }),
  HSETNX: command(4, ({ store }, [key, field, value]) => {
    if (store.hash(key!)?.has(field!)) return 0;
    return setFields(store, "hsetnx", key!, [field!, value!]);
  }),
  HGET: command(3, ({ store }, [key, field]) => store.hash(key!)?.get(field!) ?? null),
  HMGET: command(-3, ({ store }, [key, ...fields]) => {
    const hash = store.hash(key!);
    return fields.map((field) => hash?.get(field) ?? null);
  }),
  HGETALL: command(2, ({ store }, [key]) => [...(store.hash(key!) ?? [])].flat()),
  HKEYS: command(2, ({ store }, [key]) => [...(store.hash(key!)?.keys() ?? [])]),
  HVALS: command(2, ({ store }, [key]) => [...(store.hash(key!)?.values() ?? [])]),
  HLEN: command(2, ({ store }, [key]) => store.hash(key!)?.size ?? 0),
  HEXISTS: command(3, ({ store }, [key, field]) => (store.hash(key!)?.has(field!) ? 1 : 0)),
  HSTRLEN: command(3, ({ store }, [key, field]) => (store.hash(key!)?.get(field!) ?? "").length),
  HDEL: command(-3, ({ store }, [key, ...fields]) => {
    const hash = store.hash(key!);
    if (!hash) return 0;
    const removed = fields.filter((field) => hash.delete(field)).length;
    if (hash.size === 0) store.delete(key!);
    return removed;
  }),
  HINCRBY: command(4, ({ store }, [key, field, by]) => {
    const amount = integer(by!);
    const sum =
      integer(store.hash(key!)?.get(field!) ?? "0", "ERR hash value is not an integer") + amount;
    if (!Number.isSafeInteger(sum)) throw new Refusal("ERR increment or decrement would overflow");
    setFields(store, "hincrby", key!, [field!, String(sum)]);
    return sum;
  }),
  HINCRBYFLOAT: command(4, ({ store }, [key, field, by]) => {
    const amount = float(by!);
    const sum =
      float(store.hash(key!)?.get(field!) ?? "0", "ERR hash value is not a float") + amount;
    setFields(store, "hincrbyfloat", key!, [field!, formatScore(sum)]);
    return formatScore(sum);
  }),
  HSCAN: command(-3, ({ store }, [key, cursor, ...options]) => {
    const { match, count } = scanOptions(options);
    const [next, entries] = scanPage(cursor!, [...(store.hash(key!) ?? [])], count);
    return [next, entries.filter(([field]) => match(field)).flat()];
  }),
};

function setFields(store: Store, name: string, key: Bytes, pairs: readonly Bytes[]): number {
  if (pairs.length % 2 !== 0)
    throw new Refusal(`ERR wrong number of arguments for '${name}' command`);
  const hash = store.hash(key) ?? new Hash();
  const before = hash.size;
  for (let index = 0; index < pairs.length; index += 2) hash.set(pairs[index]!, pairs[index + 1]!);
  store.set(key, hash);
  return hash.size - before;
}
