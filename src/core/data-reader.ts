import type { Duration } from "./duration.ts";
import type { Fault } from "./faults.ts";
import type { Lookup } from "./lookup.ts";
import type { Policy } from "./policy.ts";

/** The result of `cache.read`: a lookup, and the value that it found. */
export interface DataLookup<T> extends Lookup {
  /** Undefined if the origin has nothing under this key. */
  readonly value: T | undefined;
}

/** The second argument of a loader: it reads other values and describes the result. */
export interface LoadContext extends DataReader {
  /** Aborts when the load exceeds `originTimeout`. */
  readonly signal: AbortSignal;
  /** Adds tags to the entry, beside those of the policy. */
  tag(...tags: readonly string[]): void;
  /** Sets the fresh lifetime of this result, instead of the policy's. */
  freshFor(duration: Duration): void;
  /** The stale value that this load would replace, with its entity tag. Undefined if there is none. */
  readonly held: { readonly value: unknown; readonly etag: string } | undefined;
  /** Declares `held` still valid. The value that the loader returns is then ignored. */
  notModified(): void;
  /** Keeps the result out of all tiers: only this caller gets it. */
  noStore(): void;
}

/** Loads one value from the origin. `null` or `undefined` means that there is none, which is stored as a negative entry. */
export type Load<T> = (load: LoadContext) => Promise<T | null | undefined>;

/** Loads all missing keys in one call. Keys that the map lacks do not exist. */
export type LoadMany<T> = (
  keys: readonly string[],
  load: LoadManyContext,
) => Promise<ReadonlyMap<string, T>>;

/** The second argument of a loader of several keys. `tag` and `freshFor` apply to all of them. */
export interface LoadManyContext extends Omit<LoadContext, "held" | "notModified"> {
  /** Adds tags to the entry of one key. */
  tagKey(key: string, ...tags: readonly string[]): void;
}

/** Reads values through the cache, for one request. Values are JSON; each caller gets a copy of its own. */
export interface DataReader {
  /**
   * Reads one value: from a tier, or with the loader.
   *
   * @throws {CacheUnavailable} if no tier has a value and the load fails
   */
  read<T>(key: string, policy: Policy, load: Load<T>): Promise<DataLookup<T>>;
  /** Reads several values with one request to Redis and one call of `load` for all keys that no tier has. */
  readMany<T>(
    keys: readonly string[],
    policy: Policy,
    load: LoadMany<T>,
  ): Promise<ReadonlyMap<string, DataLookup<T>>>;
  /**
   * Loads the keys that Redis lacks, in rounds of 200 keys, and reports each round. A round that
   * fails does not stop the others.
   *
   * @throws {DefinitionError} if a key is invalid
   */
  warm<T>(
    keys: readonly string[],
    policy: Policy,
    load: LoadMany<T>,
    options?: { readonly concurrency?: number },
  ): AsyncIterable<WarmProgress>;
}

/**
 * The outcome for one key of a warm:
 * - `loaded`: it was loaded and stored
 * - `present`: Redis had it
 * - `absent`: the origin has nothing; a negative entry was stored
 * - `unstorable`: it was loaded and may not be stored
 * - `failed`: its round failed
 */
export type Warmed = "loaded" | "present" | "absent" | "unstorable" | "failed";

/** The results of one round of a warm, and the progress of the whole. */
export interface WarmProgress {
  /** Keys that are finished. */
  readonly done: number;
  readonly total: number;
  readonly results: ReadonlyMap<string, Warmed>;
  /** Why the round failed, if it did. */
  readonly fault?: Fault;
}
