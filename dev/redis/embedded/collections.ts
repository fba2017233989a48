import RedisMock from "ioredis-mock";
import { integer } from "./numbers.ts";
import type { Answer, Bytes, Store, Value } from "./store.ts";
import { OK, Refusal, WRONGTYPE } from "./store.ts";
import type { CommandSpec, CommandTable } from "./table.ts";
import { command } from "./table.ts";

/** The emulator's own function for a command, before it is wrapped in a promise. */
type Emulated = (this: { data: object }, ...args: Bytes[]) => unknown;

interface PipelineClass {
  prototype: { copyCommands(this: CommandCollector): void };
}

/** The part of a pipeline that its constructor uses to give itself every command. */
interface CommandCollector {
  readonly redis: { readonly customCommands: object };
  _createCommand(name: string, emulated: Emulated): unknown;
}

const isList = (value: Value): boolean => Array.isArray(value);
const isSet = (value: Value): boolean => value instanceof Set;

interface Family {
  readonly arity: number;
  /** Positions of the arguments that must be integers, whatever the key holds. */
  readonly integers?: readonly number[];
  /** Position of the argument that must be an integer where the key exists. */
  readonly index?: number;
  /** Which arguments are keys of the family; by default the first. */
  readonly keys?: "two" | "all" | "all but the first";
  /** The answer where the first key does not exist, if the emulator has another. */
  readonly absent?: Answer;
}

const LISTS: Readonly<Record<string, Family>> = {
  LPUSH: { arity: -3 },
  RPUSH: { arity: -3 },
  LPUSHX: { arity: -3 },
  RPUSHX: { arity: -3 },
  LPOP: { arity: -2 },
  RPOP: { arity: -2 },
  LLEN: { arity: 2 },
  LINDEX: { arity: 3, index: 1, absent: null },
  LREM: { arity: 4, integers: [1] },
  LINSERT: { arity: 5, absent: 0 },
  LPOS: { arity: -3 },
  RPOPLPUSH: { arity: 3, keys: "two", absent: null },
};

const SETS: Readonly<Record<string, Family>> = {
  SADD: { arity: -3 },
  SREM: { arity: -3 },
  SMEMBERS: { arity: 2 },
  SISMEMBER: { arity: 3 },
  SMISMEMBER: { arity: -3 },
  SCARD: { arity: 2 },
  SPOP: { arity: -2 },
  SRANDMEMBER: { arity: -2 },
  SMOVE: { arity: 4, keys: "two", absent: 0 },
  SDIFF: { arity: -2, keys: "all" },
  SINTER: { arity: -2, keys: "all" },
  SUNION: { arity: -2, keys: "all" },
  SDIFFSTORE: { arity: -3, keys: "all but the first" },
  SINTERSTORE: { arity: -3, keys: "all but the first" },
  SUNIONSTORE: { arity: -3, keys: "all but the first" },
  SSCAN: { arity: -3 },
};

/**
 * List and set commands, as ioredis-mock implements them, over our store. The other families have
 * implementations of our own: the emulator's differ from Redis where the cache depends on them.
 */
export function collectionCommands(): CommandTable {
  const emulated = emulatedCommands();
  const adapted = (family: Readonly<Record<string, Family>>, holds: (value: Value) => boolean) =>
    Object.entries(family).map(
      ([name, spec]) => [name, adapt(name, spec, emulated, holds)] as const,
    );
  return {
    ...Object.fromEntries([...adapted(LISTS, isList), ...adapted(SETS, isSet)]),
    ...CORRECTED,
  };
}

/** List commands in which the emulator differs: it grows a list in LSET, and misses far negative ends. */
const CORRECTED: CommandTable = {
  LRANGE: command(4, ({ store }, [key, first, last]) => {
    const [start, stop] = [integer(first!), integer(last!)];
    return between(listOf(store, key!) ?? [], start, stop);
  }),
  LTRIM: command(4, ({ store }, [key, first, last]) => {
    const [start, stop] = [integer(first!), integer(last!)];
    const list = listOf(store, key!);
    if (list) store.set(key!, between(list, start, stop));
    removeEmpty(store, key!);
    return OK;
  }),
  LSET: command(4, ({ store }, [key, position, value]) => {
    const list = listOf(store, key!);
    if (!list) throw new Refusal("ERR no such key");
    const index = integer(position!);
    const at = index < 0 ? list.length + index : index;
    if (at < 0 || at >= list.length) throw new Refusal("ERR index out of range");
    list[at] = value!;
    return OK;
  }),
};

function listOf(store: Store, key: Bytes): Bytes[] | undefined {
  const value = store.get(key);
  if (value !== undefined && !Array.isArray(value)) throw new Refusal(WRONGTYPE);
  return value;
}

function between(list: readonly Bytes[], start: number, stop: number): Bytes[] {
  const from = start < 0 ? Math.max(0, list.length + start) : start;
  const to = stop < 0 ? list.length + stop : stop;
  return from > to ? [] : list.slice(from, to + 1);
}

/**
 * The emulator's command table. Its pipelines get every command's plain function when they are
 * made, and that is the one place where they can be had: its clients only offer promises, which
 * a script cannot await.
 */
function emulatedCommands(): ReadonlyMap<string, Emulated> {
  const table = new Map<string, Emulated>();
  const { prototype } = (RedisMock as unknown as { Pipeline: PipelineClass }).Pipeline;
  prototype.copyCommands.call({
    redis: { customCommands: {} },
    _createCommand: (name, emulated) => table.set(name.toUpperCase(), emulated),
  });
  return table;
}

function adapt(
  name: string,
  family: Family,
  table: ReadonlyMap<string, Emulated>,
  holds: (value: Value) => boolean,
): CommandSpec {
  const emulated = table.get(name);
  if (!emulated) throw new Error(`ioredis-mock has no ${name}`);
  return command(family.arity, ({ store }, args) => {
    for (const position of family.integers ?? []) integer(args[position]!);
    if (family.absent !== undefined && !store.has(args[0]!)) return family.absent;
    for (const key of keysOf(family, args)) {
      const value = store.get(key);
      if (value !== undefined && !holds(value)) throw new Refusal(WRONGTYPE);
    }
    if (family.index !== undefined) integer(args[family.index]!);
    let result: unknown;
    try {
      result = emulated.call({ data: dataOf(store) }, ...args);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new Refusal(/^[A-Z]+ /.test(message) ? message : `ERR ${message}`);
    }
    for (const key of args.slice(0, 2)) removeEmpty(store, key);
    return toAnswer(result);
  });
}

function keysOf({ keys }: Family, args: readonly Bytes[]): readonly Bytes[] {
  if (keys === "all") return args;
  if (keys === "all but the first") return args.slice(1);
  return args.slice(0, keys === "two" ? 2 : 1);
}

/** The part of the emulator's data interface that its list and set commands use. */
function dataOf(store: Store): object {
  return {
    has: (key: Bytes) => store.has(key),
    get: (key: Bytes) => store.get(key),
    set: (key: Bytes, value: Value) => store.set(key, value),
    delete: (key: Bytes) => store.delete(key),
  };
}

/** A collection without members does not exist in Redis. */
function removeEmpty(store: Store, key: Bytes): void {
  const value = store.get(key);
  if ((Array.isArray(value) && value.length === 0) || (value instanceof Set && value.size === 0))
    store.delete(key);
}

function toAnswer(value: unknown): Answer {
  if (value === "OK") return OK;
  if (typeof value === "string" || typeof value === "number") return value;
  return Array.isArray(value) ? (value as unknown[]).map(toAnswer) : null;
}
