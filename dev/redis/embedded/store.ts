/**
 * Bytes as a string of code units 0 to 255 ("latin1"). Such strings compare and measure like
 * Redis's byte strings, and work as map keys.
 */
export type Bytes = string;

/** The answer of a command before bytes become buffers. A string is a bulk string. */
export type Answer =
  | null
  | number
  | Bytes
  | { readonly status: string }
  | { readonly error: string }
  | readonly Answer[];

/** Thrown by a command that answers with an error reply. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

const WRONGTYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
export const NOT_INTEGER = "ERR value is not an integer or out of range";
export const NOT_FLOAT = "ERR value is not a valid float";
export const SYNTAX = "ERR syntax error";
export const OK = { status: "OK" } as const;

/** A hash. Its own class tells it from other maps. */
export class Hash extends Map<Bytes, Bytes> {}

export interface ScoredMember {
  readonly member: Bytes;
  readonly score: number;
}

/** A sorted set. It keeps scores by member and sorts on demand. */
export class SortedSet {
  readonly scores = new Map<Bytes, number>();
  #ordered: readonly ScoredMember[] | undefined;

  get size(): number {
    return this.scores.size;
  }

  set(member: Bytes, score: number): void {
    this.scores.set(member, score);
    this.#ordered = undefined;
  }

  delete(member: Bytes): boolean {
    const found = this.scores.delete(member);
    if (found) this.#ordered = undefined;
    return found;
  }

  /** Returns the members, ascending by score and then by the member's bytes. */
  ordered(): readonly ScoredMember[] {
    this.#ordered ??= [...this.scores]
      .map(([member, score]) => ({ member, score }))
      .toSorted((a, b) => a.score - b.score || (a.member < b.member ? -1 : 1));
    return this.#ordered;
  }
}

/** The value of a key. Lists and sets are missing: the Worker uses neither. */
export type Value = Bytes | Hash | SortedSet;

type StoredValue =
  | { readonly string: Bytes }
  | { readonly hash: readonly (readonly [Bytes, Bytes])[] }
  | { readonly sortedSet: readonly (readonly [Bytes, string])[] };

/** The bytes of a score. */
const SCORE_BYTES = 8;

function sizeOf(value: Value): number {
  if (typeof value === "string") return value.length;
  const parts = value instanceof Hash ? [...value.keys(), ...value.values()] : [];
  const members = value instanceof Hash ? [] : [...value.scores.keys()];
  const bytes = [...parts, ...members].reduce((sum, part) => sum + part.length, 0);
  return bytes + members.length * SCORE_BYTES;
}

/** One key in a dump. Scores are text, because JSON has no infinities. */
export type StoredKey = StoredValue & { readonly key: Bytes; readonly at?: number };

function toStored(value: Value): StoredValue {
  if (typeof value === "string") return { string: value };
  if (value instanceof Hash) return { hash: [...value] };
  return { sortedSet: [...value.scores].map(([member, score]) => [member, String(score)]) };
}

function fromStored(stored: StoredValue): Value {
  if ("string" in stored) return stored.string;
  if ("hash" in stored) return new Hash(stored.hash);
  if (!("sortedSet" in stored))
    throw new Error(
      "the kept data of the embedded Redis has a list or a set, which it no longer stores; " +
        "start without KEEP=1",
    );
  const set = new SortedSet();
  for (const [member, score] of stored.sortedSet) set.set(member, Number(score));
  return set;
}

/** The keys of one database, with their expiry. */
export class Store {
  readonly #values = new Map<Bytes, Value>();
  readonly #expiries = new Map<Bytes, number>();
  readonly #clock: () => number;
  #frozen: number | undefined;
  /** Reads of keys that existed, and of keys that did not. */
  readonly reads = { hits: 0, misses: 0 };

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  now(): number {
    return this.#frozen ?? this.#clock();
  }

  /**
   * Runs `work` with a frozen clock, so that no key expires in the middle of a script or
   * transaction.
   */
  atOneInstant<T>(work: () => T): T {
    if (this.#frozen !== undefined) return work();
    this.#frozen = this.#clock();
    try {
      return work();
    } finally {
      this.#frozen = undefined;
    }
  }

  get(key: Bytes): Value | undefined {
    const expiry = this.#expiries.get(key);
    if (expiry !== undefined && expiry <= this.now()) {
      this.delete(key);
      return undefined;
    }
    return this.#values.get(key);
  }

  has(key: Bytes): boolean {
    return this.get(key) !== undefined;
  }

  /** Stores a value and keeps the expiry. */
  set(key: Bytes, value: Value): void {
    this.#values.set(key, value);
  }

  delete(key: Bytes): boolean {
    this.#expiries.delete(key);
    return this.#values.delete(key);
  }

  clear(): void {
    this.#values.clear();
    this.#expiries.clear();
  }

  /** Returns the keys that have not expired. */
  keys(): Bytes[] {
    return [...this.#values.keys()].filter((key) => this.has(key));
  }

  expiry(key: Bytes): number | undefined {
    return this.has(key) ? this.#expiries.get(key) : undefined;
  }

  /**
   * Sets the instant at which a key expires, in milliseconds since the epoch. `undefined` removes
   * it.
   */
  expireAt(key: Bytes, at: number | undefined): void {
    if (at === undefined) this.#expiries.delete(key);
    else if (at <= this.now()) this.delete(key);
    else this.#expiries.set(key, at);
  }

  string(key: Bytes): Bytes | undefined {
    const value = this.get(key);
    if (value !== undefined && typeof value !== "string") throw new CommandError(WRONGTYPE);
    return value;
  }

  hash(key: Bytes): Hash | undefined {
    const value = this.get(key);
    if (value !== undefined && !(value instanceof Hash)) throw new CommandError(WRONGTYPE);
    return value;
  }

  sortedSet(key: Bytes): SortedSet | undefined {
    const value = this.get(key);
    if (value !== undefined && !(value instanceof SortedSet)) throw new CommandError(WRONGTYPE);
    return value;
  }

  countRead(key: Bytes): void {
    if (this.has(key)) this.reads.hits += 1;
    else this.reads.misses += 1;
  }

  /** Returns the bytes of all keys and values, without what a Redis server adds to each. */
  bytes(): number {
    return this.keys().reduce((sum, key) => sum + key.length + sizeOf(this.get(key)!), 0);
  }

  /** Returns all keys that have not expired, in a form that JSON can hold. */
  dump(): readonly StoredKey[] {
    return this.keys().map((key) => {
      const at = this.expiry(key);
      return { key, ...toStored(this.get(key)!), ...(at === undefined ? {} : { at }) };
    });
  }

  /** Loads the keys of a {@link dump}. */
  load(keys: readonly StoredKey[]): void {
    for (const stored of keys) {
      this.set(stored.key, fromStored(stored));
      if (stored.at !== undefined) this.expireAt(stored.key, stored.at);
    }
  }
}
