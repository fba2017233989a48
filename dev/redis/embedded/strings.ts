import { float, formatG, integer } from "./numbers.ts";
import type { Bytes, Store } from "./store.ts";
import { OK, Refusal, SYNTAX } from "./store.ts";
import type { CommandContext, CommandTable } from "./table.ts";
import { command } from "./table.ts";

const OVERFLOW = "ERR increment or decrement would overflow";

/** String commands. @see https://redis.io/docs/latest/commands/?group=string */
export const stringCommands: CommandTable = {
  GET: command(2, ({ store }, [key]) => store.string(key!) ?? null),
  MGET: command(-2, ({ store }, keys) =>
    keys.map((key) => {
      const value = store.get(key);
      return typeof value === "string" ? value : null;
    }),
  ),
  SET: command(-3, set),
  SETNX: command(3, ({ store }, [key, value]) => {
    if (store.has(key!)) return 0;
    replace(store, key!, value!);
    return 1;
  }),
  SETEX: command(4, ({ store }, [key, seconds, value]) =>
    setWithExpiry(store, key!, value!, lifetime("setex", integer(seconds!) * 1_000)),
  ),
  PSETEX: command(4, ({ store }, [key, ms, value]) =>
    setWithExpiry(store, key!, value!, lifetime("psetex", integer(ms!))),
  ),
  GETSET: command(3, ({ store }, [key, value]) => {
    const previous = store.string(key!) ?? null;
    replace(store, key!, value!);
    return previous;
  }),
  GETDEL: command(2, ({ store }, [key]) => {
    const value = store.string(key!) ?? null;
    store.delete(key!);
    return value;
  }),
  GETEX: command(-2, ({ store }, [key, ...options]) => {
    const value = store.string(key!);
    const [option, amount, ...rest] = options;
    if (option === undefined) return value ?? null;
    if (rest.length > 0) throw new Refusal(SYNTAX);
    if (option.toUpperCase() === "PERSIST" && amount === undefined) {
      store.expireAt(key!, undefined);
      return value ?? null;
    }
    const at = expiryOption(store, "getex", option, amount);
    if (value !== undefined) store.expireAt(key!, at);
    return value ?? null;
  }),
  MSET: command(-3, ({ store }, pairs) => {
    setPairs(store, pairs, "mset");
    return OK;
  }),
  MSETNX: command(-3, ({ store }, pairs) => {
    if (pairs.some((key, index) => index % 2 === 0 && store.has(key))) return 0;
    setPairs(store, pairs, "msetnx");
    return 1;
  }),
  APPEND: command(3, ({ store }, [key, tail]) => {
    const value = (store.string(key!) ?? "") + tail!;
    store.set(key!, value);
    return value.length;
  }),
  STRLEN: command(2, ({ store }, [key]) => (store.string(key!) ?? "").length),
  GETRANGE: command(4, ({ store }, [key, from, to]) => {
    const [first, last] = [integer(from!), integer(to!)];
    const value = store.string(key!) ?? "";
    if (first < 0 && last < 0 && first > last) return "";
    const start = position(first, value.length);
    const end = position(last, value.length);
    return value.slice(start, end + 1);
  }),
  SETRANGE: command(4, ({ store }, [key, offset, part]) => {
    const at = integer(offset!);
    if (at < 0) throw new Refusal("ERR offset is out of range");
    const value = store.string(key!) ?? "";
    if (part === "") return value.length;
    const changed = value.padEnd(at, "\0").slice(0, at) + part! + value.slice(at + part!.length);
    store.set(key!, changed);
    return changed.length;
  }),
  INCR: command(2, ({ store }, [key]) => increment(store, key!, 1)),
  DECR: command(2, ({ store }, [key]) => increment(store, key!, -1)),
  INCRBY: command(3, ({ store }, [key, by]) => increment(store, key!, integer(by!))),
  DECRBY: command(3, ({ store }, [key, by]) => increment(store, key!, -integer(by!))),
  INCRBYFLOAT: command(3, ({ store }, [key, by]) => {
    const sum = float(store.string(key!) ?? "0") + float(by!);
    if (!Number.isFinite(sum)) throw new Refusal("ERR increment would produce NaN or Infinity");
    const text = Number.isInteger(sum)
      ? sum.toFixed(0)
      : formatG(sum, 17).length > 17
        ? String(sum)
        : formatG(sum, 17);
    store.set(key!, text);
    return text;
  }),
  SETBIT: command(4, ({ store }, [key, offset, bit]) => {
    const at = bitOffset(offset!);
    if (bit !== "0" && bit !== "1") throw new Refusal("ERR bit is not an integer or out of range");
    const bytes = Buffer.from(
      (store.string(key!) ?? "").padEnd(Math.floor(at / 8) + 1, "\0"),
      "latin1",
    );
    const place = Math.floor(at / 8);
    const mask = 0x80 >> (at & 7);
    const previous = (bytes[place]! & mask) === 0 ? 0 : 1;
    bytes[place] = bit === "1" ? bytes[place]! | mask : bytes[place]! & ~mask;
    store.set(key!, bytes.toString("latin1"));
    return previous;
  }),
  GETBIT: command(3, ({ store }, [key, offset]) => {
    const at = bitOffset(offset!);
    const byte = (store.string(key!) ?? "").charCodeAt(Math.floor(at / 8));
    return Number.isNaN(byte) || (byte & (0x80 >> (at & 7))) === 0 ? 0 : 1;
  }),
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
    else if (!timed) result.expiry = expiryOption(store, "set", option, options[(index += 1)]);
    else throw new Refusal(SYNTAX);
  }
  return result;
}

/** EX, PX, EXAT and PXAT: the instant, in epoch milliseconds. */
function expiryOption(
  store: Store,
  name: string,
  option: Bytes,
  amount: Bytes | undefined,
): number {
  const unit = option.toUpperCase();
  if (amount === undefined || !["EX", "PX", "EXAT", "PXAT"].includes(unit))
    throw new Refusal(SYNTAX);
  const ms = lifetime(name, integer(amount) * (unit.startsWith("EX") ? 1_000 : 1));
  return unit.endsWith("AT") ? ms : store.now() + ms;
}

function lifetime(name: string, ms: number): number {
  if (ms <= 0 || !Number.isSafeInteger(ms))
    throw new Refusal(`ERR invalid expire time in '${name}' command`);
  return ms;
}

/** Sets a string; whatever was there goes, its expiry too. */
function replace(store: Store, key: Bytes, value: Bytes): void {
  store.delete(key);
  store.set(key, value);
}

function setWithExpiry(store: Store, key: Bytes, value: Bytes, ms: number): typeof OK {
  replace(store, key, value);
  store.expireAt(key, store.now() + ms);
  return OK;
}

function setPairs(store: Store, pairs: readonly Bytes[], name: string): void {
  if (pairs.length % 2 !== 0)
    throw new Refusal(`ERR wrong number of arguments for '${name}' command`);
  for (let index = 0; index < pairs.length; index += 2)
    replace(store, pairs[index]!, pairs[index + 1]!);
}

function increment(store: Store, key: Bytes, by: number): number {
  const sum = integer(store.string(key) ?? "0") + by;
  if (!Number.isSafeInteger(sum)) throw new Refusal(OVERFLOW);
  store.set(key, String(sum));
  return sum;
}

function position(index: number, length: number): number {
  return index < 0 ? Math.max(length + index, index === -1 && length === 0 ? -1 : 0) : index;
}

function bitOffset(text: Bytes): number {
  const message = "ERR bit offset is not an integer or out of range";
  const at = integer(text, message);
  if (at < 0 || at >= 2 ** 32) throw new Refusal(message);
  return at;
}
