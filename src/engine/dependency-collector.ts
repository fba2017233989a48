/**
 * Collects what the result of a load depends on: its tags, and the entries that the loader read
 * from the cache.
 */
import { toMillis, type Duration } from "../core/duration.ts";
import { olderPosition, type Entry, type LoadResult, type LogPosition } from "../core/entry.ts";
import type { Lookup } from "../core/lookup.ts";
import {
  MAX_ENTRY_KEYS,
  invalidationKeyOfTag,
  type InvalidationKey,
} from "../core/invalidation-key.ts";
import type { EpochMs, Millis } from "../core/time.ts";

export interface DependencyCollector {
  tag(...tags: readonly string[]): void;
  /** Adds the invalidation keys of an entry that the origin has confirmed. */
  carry(invalidationKeys: readonly InvalidationKey[]): void;
  noStore(): void;
  freshFor(duration: Duration): void;
  /**
   * Adds an entry from which the result is made. The result expires and becomes invalid together
   * with the entry.
   */
  include(lookup: Lookup): void;
  /** Returns what a result that is not stored says of the values that it was made of. */
  basis(): Basis;
  /**
   * Returns the result of the load. If one load made several results, `ownTags` are the tags of
   * this result alone.
   */
  finish(content: LoadedContent, ownTags?: readonly string[]): LoadResult;
}

export type Basis = Pick<
  Extract<LoadResult, { storable: false }>,
  "currentAt" | "unreachable" | "unconfirmed" | "oneOff"
>;

export type LoadedContent = Pick<
  Extract<LoadResult, { storable: true }>,
  "kind" | "body" | "http" | "etag"
>;

/**
 * Creates the collector of one load.
 *
 * @param positionOf returns the newest log position up to which an entry is known to be valid. The result
 *   carries the keys of all entries that it is made of. With the position at which an old entry was loaded, a
 *   later invalidation of another one, which the loader has seen, would make the result invalid at once.
 */
export function createDependencyCollector(
  positionOf: (entry: Entry) => LogPosition,
): DependencyCollector {
  const invalidationKeys = new Set<InvalidationKey>();
  let freshUntil: EpochMs | undefined;
  let inner: LogPosition | undefined;
  let freshForMs: Millis | undefined;
  let currentAt: EpochMs | undefined;
  let unreachable = false;
  let unconfirmed = false;
  let storable = true;

  return {
    tag: (...tags) => {
      for (const tag of tags) invalidationKeys.add(invalidationKeyOfTag(tag));
    },
    carry: (carried) => {
      for (const key of carried) invalidationKeys.add(key);
    },
    noStore: () => {
      storable = false;
    },
    freshFor: (duration) => {
      freshForMs = toMillis(duration, "freshFor");
    },
    include(lookup) {
      const { entry } = lookup;
      currentAt = Math.min(currentAt ?? Infinity, lookup.currentAt);
      unreachable ||= lookup.unreachable;
      unconfirmed ||= lookup.unconfirmed === true;
      if (entry === undefined || lookup.unreachable || lookup.unconfirmed === true) {
        storable = false;
        return;
      }
      for (const key of entry.invalidationKeys) if (key !== "n:") invalidationKeys.add(key);
      freshUntil = Math.min(freshUntil ?? Infinity, entry.freshUntil);
      inner = olderPosition(positionOf(entry), inner);
    },
    basis: () => ({
      ...(currentAt !== undefined && { currentAt }),
      // Once the log or the origin answers again, a result may be storable.
      ...(unreachable && { unreachable, oneOff: true }),
      ...(unconfirmed && { unconfirmed, oneOff: true }),
    }),
    finish(content, ownTags = []) {
      const keys = [...new Set([...invalidationKeys, ...ownTags.map(invalidationKeyOfTag)])];
      // An entry without one of its keys could not be purged by it.
      if (!storable || keys.length > MAX_ENTRY_KEYS) {
        const why = storable
          ? "tags"
          : unreachable
            ? "unreachable"
            : unconfirmed
              ? "unconfirmed"
              : "loader";
        return { storable: false, why, ...this.basis() };
      }
      return {
        storable: true,
        ...content,
        invalidationKeys: keys,
        ...(freshForMs !== undefined && { freshForMs }),
        ...(freshUntil !== undefined && { freshUntil }),
        ...(inner !== undefined && { inner }),
        ...(currentAt !== undefined && { currentAt }),
      };
    },
  };
}
