/** The cache of one piece of work, which `strata.open` returns. */
import type { DataLookup, DataReader, Load } from "../core/data-reader.ts";
import type { Duration } from "../core/duration.ts";
import type { LogPosition } from "../core/entry.ts";
import type { Erasure } from "../core/erasure.ts";
import type { EraseTargets, PurgeTargets } from "../core/invalidation-key.ts";
import type { Policy, PolicyOptions } from "../core/policy.ts";

/** The options of `cache.set`. */
export interface SetOptions {
  /** The tags of the value, beside those of the policy. @default none */
  readonly tags?: readonly string[];
  /**
   * The position of the log before the program read the value. An invalidation after it wins.
   * @default the position at which the cache was opened
   */
  readonly asOf?: LogPosition;
}

/** Reads, writes and invalidates values. `strata.open` returns it. docs/data-cache.md describes each method. */
export interface Cache extends DataReader {
  /**
   * Returns the value that memory, the edge or the shared store holds, fresh or in its stale window;
   * undefined if none holds one. It loads nothing and starts no refresh.
   */
  get<T>(key: string, policy: Policy | PolicyOptions): Promise<DataLookup<T> | undefined>;
  /** Returns whether `get` finds a value. A negative entry is none. */
  has(key: string, policy: Policy | PolicyOptions): Promise<boolean>;
  /**
   * Returns the value that memory holds, at once and without a request. Undefined also if this isolate
   * has not asked the log within the coherence bound of the policy. The eviction order does not count
   * it as a use.
   */
  peek<T>(key: string, policy: Policy | PolicyOptions): DataLookup<T> | undefined;
  /**
   * Stores a value as a write does: it invalidates the key everywhere, and then stores the value in the
   * tiers. Returns false, and stores nothing, if the key, a prefix or a tag of the value was invalidated
   * after `asOf`.
   *
   * @throws {CacheUnavailable} if the log did not acknowledge the invalidation
   * @throws {DefinitionError} if JSON cannot hold the value, or the value is null or undefined
   */
  set(
    key: string,
    value: unknown,
    policy: Policy | PolicyOptions,
    options?: SetOptions,
  ): Promise<boolean>;
  /**
   * Loads the value anew and stores it, also if a tier has a fresh one. Calls for one key share a load
   * that began after them. Other isolates keep their copies until these end or the key is invalidated.
   *
   * @throws {CacheUnavailable} if the load fails
   */
  refresh<T>(key: string, policy: Policy | PolicyOptions, load: Load<T>): Promise<DataLookup<T>>;
  /**
   * Gives a stored value a new lifetime from now on, without a load: `freshFor`, or the lifetime of the
   * policy. Returns false if no tier has a value. Other isolates keep their copies for the former
   * lifetime.
   */
  touch(key: string, policy: Policy | PolicyOptions, freshFor?: Duration): Promise<boolean>;
  /** Returns how far this isolate knows the log. Call it before the read of a value for `set`. */
  position(): LogPosition;
  /**
   * Invalidates the values under these keys.
   *
   * @throws {CacheUnavailable} if the log did not acknowledge the invalidation. This isolate does not
   * serve the values any more, and tells the log once it answers again.
   */
  invalidate(...keys: readonly string[]): Promise<void>;
  /** The same as `invalidate`. */
  delete(...keys: readonly string[]): Promise<void>;
  /** Invalidates every value that has one of these tags. @throws as `invalidate` does */
  invalidateTags(...tags: readonly string[]): Promise<void>;
  /**
   * Invalidates, and removes the bytes from every tier that this isolate reaches. The answer says what was
   * removed from each tier, and what remains until when. While `done` is false, call it again with the
   * same targets and the `cursor` of the answer, at `resumeAt` or later.
   *
   * @throws as `invalidate` does, and {DefinitionError} if the cursor belongs to other targets
   * @example
   * const cache = strata.open();
   * let erasure = await cache.purge({ tags: ["user:7"], erase: true });
   * // A minute later, in a cron trigger:
   * if (!erasure.done)
   *   erasure = await cache.purge({ tags: ["user:7"], erase: true, cursor: erasure.cursor });
   */
  purge(targets: EraseTargets): Promise<Erasure>;
  /** Invalidates by tags, keys, prefixes of keys, or everything. @throws as `invalidate` does */
  purge(targets: PurgeTargets): Promise<void>;
}
