import type { Duration } from "./duration.ts";
import type { Fault } from "./faults.ts";
import type { Lookup } from "./lookup.ts";
import type { Policy, PolicyOptions } from "./policy.ts";

/** The result of `cache.read`: a lookup, and the value that it found. */
export interface DataLookup<T> extends Lookup {
  /** The value. Undefined if the origin has nothing under this key. */
  readonly value: T | undefined;
}

/** The second argument of a loader. With it, the loader reads other values and describes its result. */
export interface LoadContext extends DataReader {
  /** The signal aborts when the load takes longer than `originTimeout`. */
  readonly signal: AbortSignal;
  /** Adds tags to the entry. The entry also has the tags of the policy. */
  tag(...tags: readonly string[]): void;
  /** Sets the fresh lifetime of this result. It replaces the fresh lifetime of the policy. */
  freshFor(duration: Duration): void;
  /** The stale value that this load may replace, with its entity tag. Undefined if there is none. */
  readonly held: { readonly value: unknown; readonly etag: string } | undefined;
  /** Declares that `held` is valid. The value that the loader returns is then ignored. */
  notModified(): void;
  /** Keeps the result out of all tiers: no tier stores it, and only this caller gets it. */
  noStore(): void;
}

/**
 * Loads one value from the origin. `null` or `undefined` means that the value does not exist. This
 * is stored as a negative entry.
 */
export type Load<T> = (load: LoadContext) => Promise<T | null | undefined>;

/** Loads all missing keys in one call. A key that is not in the returned map does not exist. */
export type LoadMany<T> = (
  keys: readonly string[],
  load: LoadManyContext,
) => Promise<ReadonlyMap<string, T>>;

/** The second argument of a loader of several keys. `tag` and `freshFor` apply to all the keys. */
export interface LoadManyContext extends Omit<LoadContext, "held" | "notModified"> {
  /** Adds tags to the entry of one key. */
  tagKey(key: string, ...tags: readonly string[]): void;
}

/**
 * Reads values through the cache, for one request. Values are JSON, and each caller gets its own copy.
 * A policy is one that `definePolicy` has checked, or an object of its options at module level.
 */
export interface DataReader {
  /**
   * Reads one value from a tier, or loads it.
   *
   * @throws {CacheUnavailable} if no tier has a value and the load fails
   */
  read<T>(key: string, policy: Policy | PolicyOptions, load: Load<T>): Promise<DataLookup<T>>;
  /**
   * Reads several values as `read` does, with one request to Redis and one call of `load` for the
   * keys that no tier has and no other isolate loads. If another isolate fails to load a key in
   * time, `load` is called again for that key.
   */
  readMany<T>(
    keys: readonly string[],
    policy: Policy | PolicyOptions,
    load: LoadMany<T>,
  ): Promise<ReadonlyMap<string, DataLookup<T>>>;
  /**
   * Loads the keys that Redis lacks, in rounds of 200 keys, and reports the result of each round.
   * If a round fails, the other rounds continue.
   *
   * @throws {DefinitionError} if a key is invalid
   */
  warm<T>(
    keys: readonly string[],
    policy: Policy | PolicyOptions,
    load: LoadMany<T>,
    options?: { readonly concurrency?: number },
  ): AsyncIterable<WarmProgress>;
}

/**
 * The outcome of a warm for one key.
 * - `loaded`: it was loaded, and Redis has stored it
 * - `present`: Redis had it
 * - `absent`: the origin has nothing under the key, and Redis has stored a negative entry
 * - `unstorable`: it was loaded, but it may not be stored or is too long
 * - `failed`: its round failed, or Redis has not stored it
 */
export type Warmed = "loaded" | "present" | "absent" | "unstorable" | "failed";

/** The results of one round of a warm, and the progress of the whole warm. */
export interface WarmProgress {
  /** The number of keys that are finished. */
  readonly done: number;
  /** The number of keys of the whole call. */
  readonly total: number;
  /** The result of each key of the round that has ended. */
  readonly results: ReadonlyMap<string, Warmed>;
  /** The failure of the round, or of a part of its write. Undefined if the round succeeded. */
  readonly fault?: Fault;
}
