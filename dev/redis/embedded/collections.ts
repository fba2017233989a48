import RedisMock from "ioredis-mock";
import type { Answer, Bytes, Store, Value } from "./store.ts";
import { Refusal, WRONGTYPE } from "./store.ts";
import type { CommandSpec, CommandTable } from "./table.ts";
import { command } from "./table.ts";

/** The emulator's own function for a command, before it is wrapped in a promise. */
type Emulated = (this: { data: object }, ...args: Bytes[]) => unknown;

interface PipelineClass {
  new (redis: { customCommands: object }): object;
  prototype: { _createCommand(name: string, emulated: Emulated): unknown };
}

const isList = (value: Value): boolean => Array.isArray(value);
const isSet = (value: Value): boolean => value instanceof Set;

/** Arities of the list commands; their keys are the first argument, or the first two. */
const LISTS = {
  LPUSH: -3,
  RPUSH: -3,
  LPUSHX: -3,
  RPUSHX: -3,
  LPOP: -2,
  RPOP: -2,
  LRANGE: 4,
  LLEN: 2,
  LINDEX: 3,
  LSET: 4,
  LREM: 4,
  LTRIM: 4,
  LINSERT: 5,
  LPOS: -3,
  RPOPLPUSH: 3,
} as const;

const SETS = {
  SADD: -3,
  SREM: -3,
  SMEMBERS: 2,
  SISMEMBER: 3,
  SMISMEMBER: -3,
  SCARD: 2,
  SPOP: -2,
  SRANDMEMBER: -2,
  SMOVE: 4,
  SDIFF: -2,
  SINTER: -2,
  SUNION: -2,
  SDIFFSTORE: -3,
  SINTERSTORE: -3,
  SUNIONSTORE: -3,
  SSCAN: -3,
} as const;

const ALL_KEYS = /^S(?:DIFF|INTER|UNION)/;
const TWO_KEYS = new Set(["RPOPLPUSH", "SMOVE"]);

/**
 * List and set commands, as ioredis-mock implements them, over our store. The other families have
 * implementations of our own: the emulator's differ from Redis where the cache depends on them.
 */
export function collectionCommands(): CommandTable {
  const emulated = emulatedCommands();
  return Object.fromEntries([
    ...Object.entries(LISTS).map(([name, arity]) => [name, adapt(name, arity, emulated, isList)] as const),
    ...Object.entries(SETS).map(([name, arity]) => [name, adapt(name, arity, emulated, isSet)] as const),
  ]);
}

/**
 * The emulator's command table. Its pipelines get every command's plain function when they are
 * made, and that is the one place where they can be had: its clients only offer promises, which
 * a script cannot await.
 */
function emulatedCommands(): ReadonlyMap<string, Emulated> {
  const table = new Map<string, Emulated>();
  const Pipeline = (RedisMock as unknown as { Pipeline: PipelineClass }).Pipeline;
  class Collector extends Pipeline {
    _createCommand(name: string, emulated: Emulated): unknown {
      table.set(name.toUpperCase(), emulated);
      return undefined;
    }
  }
  new Collector({ customCommands: {} });
  return table;
}

function adapt(
  name: string,
  arity: number,
  table: ReadonlyMap<string, Emulated>,
  holds: (value: Value) => boolean,
): CommandSpec {
  const emulated = table.get(name);
  if (!emulated) throw new Error(`ioredis-mock has no ${name}`);
  return command(arity, ({ store }, args) => {
    const keys = ALL_KEYS.test(name) ? args : args.slice(0, TWO_KEYS.has(name) ? 2 : 1);
    for (const key of keys) {
      const value = store.get(key);
      if (value !== undefined && !holds(value)) throw new Refusal(WRONGTYPE);
    }
    let result: unknown;
    try {
      result = emulated.call({ data: dataOf(store) }, ...args);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new Refusal(/^[A-Z]+ /.test(message) ? message : `ERR ${message}`);
    }
    for (const key of keys) removeEmpty(store, key);
    return toAnswer(result);
  });
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
  if ((Array.isArray(value) && value.length === 0) || (value instanceof Set && value.size === 0)) store.delete(key);
}

function toAnswer(value: unknown): Answer {
  if (value === "OK") return { status: "OK" };
  if (typeof value === "string" || typeof value === "number") return value;
  return Array.isArray(value) ? (value as unknown[]).map(toAnswer) : null;
}
