import { integer } from "./numbers.ts";
import type { Bytes, Store } from "./store.ts";
import { OK, CommandError, SYNTAX } from "./store.ts";
import type { CommandContext, CommandTable } from "./table.ts";
import { command } from "./table.ts";

const OVERFLOW = "ERR increment or decrement would overflow";

/** The string commands that the Worker, its packages and the tests use. @see https://redis.io/docs/latest/commands/?group=string */
export const stringCommands: CommandTable = {
  GET: command(2, ({ store }, [key]) => store.string(key!) ?? null),
  MGET: command(-2, ({ store }, keys) =>
    keys.map((key) => {
      const value = store.get(key);
      return typeof value === "string" ? value : null;
    }),
  ),
  GETEX: command(-2, getAndExpire),
  GETDEL: command(2, ({ store }, [key]) => {
    const value = store.string(key!) ?? null;
    if (value !== null) store.delete(key!);
    return value;
  }),
  SET: command(-3, set),
  MSET: command(-3, ({ store }, pairs) => {
    if (pairs.length % 2 !== 0)
      throw new CommandError("ERR wrong number of arguments for 'mset' command");
    for (let index = 0; index < pairs.length; index += 2)
      replace(store, pairs[index]!, pairs[index + 1]!);
    return OK;
  }),
  STRLEN: command(2, ({ store }, [key]) => (store.string(key!) ?? "").length),
  INCR: command(2, ({ store }, [key]) => increment(store, key!, 1)),
  DECR: command(2, ({ store }, [key]) => increment(store, key!, -1)),
  INCRBY: command(3, ({ store }, [key, by]) => increment(store, key!, integer(by!))),
  DECRBY: command(3, ({ store }, [key, by]) => increment(store, key!, -integer(by!))),
};

interface SetOptions {
  onlyIf: "absent" | "present" | undefined;
  get: boolean;
  keepTtl: boolean;
  expiry: number | undefined;
}

function set(
  { store }: CommandContext,
  [key, value, ...options]: readonly Bytes[],
): Bytes | null | typeof OK {
  const { onlyIf, get, keepTtl, expiry } = setOptions(store, options);
  const previous = get ? (store.string(key!) ?? null) : null;
  const refused =
    (onlyIf === "absent" && store.has(key!)) || (onlyIf === "present" && !store.has(key!));
  if (!refused) {
    if (keepTtl) store.set(key!, value!);
    else replace(store, key!, value!);
    if (expiry !== undefined) store.expireAt(key!, expiry);
  }
  if (get) return previous;
  return refused ? null : OK;
}

function setOptions(store: Store, options: readonly Bytes[]): SetOptions {
  const result: SetOptions = { onlyIf: undefined, get: false, keepTtl: false, expiry: undefined };
  for (let index = 0; index < options.length; index += 1) {
    const option = options[index]!.toUpperCase();
    const timed = result.keepTtl || result.expiry !== undefined;
    if (option === "NX" && result.onlyIf === undefined) result.onlyIf = "absent";
    else if (option === "XX" && result.onlyIf === undefined) result.onlyIf = "present";
    else if (option === "GET") result.get = true;
    else if (option === "KEEPTTL" && !timed) result.keepTtl = true;
    else if (!timed) result.expiry = expiryOption(store, option, options[(index += 1)]);
    else throw new CommandError(SYNTAX);
  }
  return result;
}

/** Reads a string, and sets its expiry (EX, PX, EXAT, PXAT), removes it (PERSIST), or leaves it. */
function getAndExpire(
  { store }: CommandContext,
  [key, option, amount, ...rest]: readonly Bytes[],
): Bytes | null {
  const persists = option?.toUpperCase() === "PERSIST";
  if (rest.length > 0 || (persists && amount !== undefined)) throw new CommandError(SYNTAX);
  const isTimed = option !== undefined && !persists;
  if (isTimed && (amount === undefined || !UNITS.includes(option.toUpperCase())))
    throw new CommandError(SYNTAX);
  const value = store.string(key!) ?? null;
  if (value === null || option === undefined) return value;
  store.expireAt(key!, isTimed ? expiryOption(store, option, amount, "getex") : undefined);
  return value;
}

const UNITS = ["EX", "PX", "EXAT", "PXAT"];

/** Turns EX, PX, EXAT or PXAT into an instant in milliseconds since the epoch. */
function expiryOption(
  store: Store,
  option: Bytes,
  amount: Bytes | undefined,
  name = "set",
): number {
  const unit = option.toUpperCase();
  if (amount === undefined || !UNITS.includes(unit)) throw new CommandError(SYNTAX);
  const ms = integer(amount) * (unit.startsWith("EX") ? 1_000 : 1);
  if (ms <= 0 || !Number.isSafeInteger(ms))
    throw new CommandError(`ERR invalid expire time in '${name}' command`);
  return unit.endsWith("AT") ? ms : store.now() + ms;
}

/** Stores a string, and removes the previous value of any type with its expiry. */
function replace(store: Store, key: Bytes, value: Bytes): void {
  store.delete(key);
  store.set(key, value);
}

function increment(store: Store, key: Bytes, by: number): number {
  const sum = integer(store.string(key) ?? "0") + by;
  if (!Number.isSafeInteger(sum)) throw new CommandError(OVERFLOW);
  store.set(key, String(sum));
  return sum;
}
