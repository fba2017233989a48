import { fnv1a } from "../../../src/core/hash.ts";
import { globMatcher } from "./glob.ts";
import { integer } from "./numbers.ts";
import type { Answer, Bytes, Store, Value } from "./store.ts";
import { Hash, OK, CommandError, SYNTAX } from "./store.ts";
import type { CommandContext, CommandTable } from "./table.ts";
import { command } from "./table.ts";

/** Commands on keys of every type, and commands about the server. */
export const keyCommands: CommandTable = {
  DEL: command(-2, remove),
  UNLINK: command(-2, remove),
  EXISTS: command(-2, ({ store }, keys) => keys.filter((key) => store.has(key)).length),
  TYPE: command(2, ({ store }, [key]) => ({ status: typeName(store.get(key!)) })),
  EXPIRE: command(-3, ({ store }, args) => expire(store, args, (n) => store.now() + n * 1_000)),
  PEXPIRE: command(-3, ({ store }, args) => expire(store, args, (n) => store.now() + n)),
  EXPIREAT: command(-3, ({ store }, args) => expire(store, args, (n) => n * 1_000)),
  PEXPIREAT: command(-3, ({ store }, args) => expire(store, args, (n) => n)),
  TTL: command(2, ({ store }, [key]) =>
    remaining(store, key!, (at) => Math.floor((at - store.now() + 500) / 1_000)),
  ),
  PTTL: command(2, ({ store }, [key]) => remaining(store, key!, (at) => at - store.now())),
  EXPIRETIME: command(2, ({ store }, [key]) =>
    remaining(store, key!, (at) => Math.floor((at + 500) / 1_000)),
  ),
  PEXPIRETIME: command(2, ({ store }, [key]) => remaining(store, key!, (at) => at)),
  PERSIST: command(2, ({ store }, [key]) => {
    if (store.expiry(key!) === undefined) return 0;
    store.expireAt(key!, undefined);
    return 1;
  }),
  KEYS: command(2, ({ store }, [pattern]) => store.keys().filter(globMatcher(pattern!))),
  SCAN: command(-2, ({ store }, [cursor, ...options]) => {
    const { match, count, type } = scanOptions(options);
    const [next, keys] = scanPage(cursor!, store.keys(), count);
    return [
      next,
      keys.filter((key) => match(key) && (type === undefined || typeName(store.get(key)) === type)),
    ];
  }),
  DBSIZE: command(1, ({ store }) => store.keys().length),
  FLUSHALL: command(-1, flush),
  FLUSHDB: command(-1, flush),
  TIME: command(1, () => {
    const micros = Math.round((performance.timeOrigin + performance.now()) * 1_000);
    return [String(Math.floor(micros / 1e6)), String(micros % 1e6)];
  }),
  PING: command(-1, (_context, [message]) => message ?? { status: "PONG" }),
  PUBLISH: command(3, ({ publish }, [channel, message]) => publish(channel!, message!)),
  INFO: command(-1, ({ store }) => info(store)),
};

/** The figures that this Redis has. It has no limit of memory, evicts nothing and has no connections. */
function info(store: Store): Bytes {
  const { hits, misses } = store.reads;
  const sections = {
    Server: ["redis_version:7.0.0", "redis_mode:embedded"],
    Memory: [`used_memory:${store.bytes()}`, "maxmemory:0", "maxmemory_policy:noeviction"],
    Stats: ["evicted_keys:0", `keyspace_hits:${hits}`, `keyspace_misses:${misses}`],
  };
  return Object.entries(sections)
    .map(([name, lines]) => `# ${name}\r\n${lines.join("\r\n")}\r\n`)
    .join("\r\n");
}

function remove({ store }: CommandContext, keys: readonly Bytes[]): number {
  return keys.filter((key) => store.has(key) && store.delete(key)).length;
}

function flush({ store }: CommandContext): Answer {
  store.clear();
  return OK;
}

function typeName(value: Value | undefined): string {
  if (value === undefined) return "none";
  if (typeof value === "string") return "string";
  return value instanceof Hash ? "hash" : "zset";
}

function expire(
  store: Store,
  [key, amount, ...flags]: readonly Bytes[],
  instant: (amount: number) => number,
): number {
  const at = instant(integer(amount!));
  const conditions = flags.map((flag) => flag.toUpperCase());
  for (const [index, flag] of conditions.entries()) {
    if (!["NX", "XX", "GT", "LT"].includes(flag))
      throw new CommandError(`ERR Unsupported option ${flags[index]!}`);
  }
  if (!store.has(key!)) return 0;
  const current = store.expiry(key!);
  const refused =
    (conditions.includes("NX") && current !== undefined) ||
    (conditions.includes("XX") && current === undefined) ||
    (conditions.includes("GT") && at <= (current ?? Infinity)) ||
    (conditions.includes("LT") && at >= (current ?? Infinity));
  if (refused) return 0;
  store.expireAt(key!, at);
  return 1;
}

function remaining(store: Store, key: Bytes, show: (at: number) => number): number {
  if (!store.has(key)) return -2;
  const at = store.expiry(key);
  return at === undefined ? -1 : show(at);
}

interface ScanOptions {
  readonly match: (name: Bytes) => boolean;
  readonly count: number;
  readonly type: string | undefined;
}

/** Reads the options MATCH, COUNT and TYPE. */
function scanOptions(options: readonly Bytes[]): ScanOptions {
  let match: (name: Bytes) => boolean = () => true;
  let count = 10;
  let type: string | undefined;
  for (let index = 0; index < options.length; index += 2) {
    const value = options[index + 1];
    const option = options[index]!.toUpperCase();
    if (value === undefined) throw new CommandError(SYNTAX);
    if (option === "MATCH") match = globMatcher(value);
    else if (option === "COUNT") count = integer(value);
    else if (option === "TYPE") type = value.toLowerCase();
    else throw new CommandError(SYNTAX);
  }
  if (count < 1) throw new CommandError(SYNTAX);
  return { match, count, type };
}

/**
 * Returns one page of the keys in the order of their hashes. The cursor is the hash after which the next
 * page begins, so that a key that lives through the whole scan is found, whatever is deleted meanwhile.
 */
function scanPage(cursor: Bytes, keys: readonly Bytes[], count: number): [Bytes, readonly Bytes[]] {
  const start = integer(cursor, "ERR invalid cursor");
  const rest = keys
    .map((key) => ({ key, hash: fnv1a(key) + 1 }))
    .filter(({ hash }) => hash > start)
    .toSorted((a, b) => a.hash - b.hash);
  const last = rest[count - 1]?.hash ?? Infinity;
  const page = rest.filter(({ hash }) => hash <= last);
  return [page.length === rest.length ? "0" : String(last), page.map(({ key }) => key)];
}
