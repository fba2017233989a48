import type { Duration } from "./duration.ts";
import type { Fault } from "./faults.ts";
import type { Lookup } from "./lookup.ts";
import type { Policy } from "./policy.ts";

export interface DataLookup<T> extends Lookup {
  /** Undefined if the origin says that there is nothing. */
  readonly value: T | undefined;
}

/** What a loader can say about its result. */
export interface LoadContext extends DataReader {
  /** Ends when the load is given up. */
  readonly signal: AbortSignal;
  /** Adds tags that were found in the result. */
  tag(...tags: readonly string[]): void;
  /** The result's own fresh lifetime, instead of the policy's. */
  freshFor(duration: Duration): void;
  /** The value that is being replaced, and its entity tag, if one is held. */
  readonly held: { readonly value: unknown; readonly etag: string } | undefined;
  /** Says that `held` is still right; what the load returns is then ignored. */
  notModified(): void;
  /** The result is for this caller alone. */
  noStore(): void;
}

export type Load<T> = (load: LoadContext) => Promise<T | null | undefined>;

/** Loads all missing keys at once; keys that it leaves out do not exist. */
export type LoadMany<T> = (
  keys: readonly string[],
  load: LoadManyContext,
) => Promise<ReadonlyMap<string, T>>;

/** What a loader of many can say; `tag` and `freshFor` hold for all of them. */
export interface LoadManyContext extends Omit<LoadContext, "held" | "notModified"> {
  /** Adds tags to one of the keys. */
  tagKey(key: string, ...tags: readonly string[]): void;
}

/** Reads of data, bound to one request. Values are JSON; each caller gets its own copy. */
export interface DataReader {
  /** @throws {CacheUnavailable} if no tier has a value and the origin fails. */
  read<T>(key: string, policy: Policy, load: Load<T>): Promise<DataLookup<T>>;
  /** One request to Redis and one call of `load` for all keys that no tier has. */
  readMany<T>(
    keys: readonly string[],
    policy: Policy,
    load: LoadMany<T>,
  ): Promise<ReadonlyMap<string, DataLookup<T>>>;
  /**
   * Loads what Redis does not hold, in rounds of 200 keys, and reports each round. A
   * failed round does not stop the others.
   *
   * @throws {DefinitionError} if a key is none.
   */
  warm<T>(
    keys: readonly string[],
    policy: Policy,
    load: LoadMany<T>,
    options?: { readonly concurrency?: number },
  ): AsyncIterable<WarmProgress>;
}

/** What became of one key. `absent` is stored too: that there is nothing is worth knowing. */
export type Warmed = "loaded" | "present" | "absent" | "unstorable" | "failed";

/** One round's results, and how far the whole has come. */
export interface WarmProgress {
  readonly done: number;
  readonly total: number;
  readonly results: ReadonlyMap<string, Warmed>;
  readonly fault?: Fault;
}
