/** What a load gathers while it runs: its tags, and all that it read from the cache. */
import { toMillis, type Duration } from "../core/duration.ts";
import type { LoadResult, LogPosition } from "../core/entry.ts";
import type { Lookup } from "../core/lookup.ts";
import { MAX_TAGS, invalidationKeyOfTag, type InvalidationKey } from "../core/invalidation-key.ts";
import type { EpochMs, Millis } from "../core/time.ts";

/** Names one entry carries at most; more, and it is not stored. */
const MAX_MEMBERS = MAX_TAGS * 4;

export interface DependencyCollector {
  tag(...tags: readonly string[]): void;
  /** Adds all the names of an entry that turned out to be right as it is. */
  carry(members: readonly InvalidationKey[]): void;
  noStore(): void;
  freshFor(duration: Duration): void;
  /** An outer value lives no longer than what it was made of, and dies with it. */
  include(lookup: Lookup): void;
  /** `own` are tags of this result alone, where one load made several. */
  finish(made: LoadedContent, own?: readonly string[]): LoadResult;
}

export type LoadedContent = Pick<
  Extract<LoadResult, { storable: true }>,
  "kind" | "body" | "http" | "etag"
>;

export function createDependencyCollector(): DependencyCollector {
  const members = new Set<InvalidationKey>();
  let freshUntil: EpochMs | undefined;
  let inner: LogPosition | undefined;
  let freshForMs: Millis | undefined;
  let storable = true;

  return {
    tag: (...tags) => {
      for (const tag of tags) members.add(invalidationKeyOfTag(tag));
    },
    carry: (more) => {
      for (const member of more) members.add(member);
    },
    noStore: () => {
      storable = false;
    },
    freshFor: (duration) => {
      freshForMs = toMillis(duration, "freshFor");
    },
    include({ entry, unreachable }) {
      if (entry === undefined || unreachable) {
        storable = false;
        return;
      }
      for (const member of entry.invalidationKeys) if (member !== "n:") members.add(member);
      freshUntil = Math.min(freshUntil ?? Infinity, entry.freshUntil);
      inner = oldest(inner, entry);
    },
    finish: (made, own = []) =>
      storable && members.size <= MAX_MEMBERS
        ? {
            storable: true,
            ...made,
            invalidationKeys: [...members, ...own.map(invalidationKeyOfTag)],
            ...(freshForMs !== undefined && { freshForMs }),
            ...(freshUntil !== undefined && { freshUntil }),
            ...(inner !== undefined && { inner }),
          }
        : { storable: false },
  };
}

/** Two eras in one value: no log can vouch for it. */
function oldest(known: LogPosition | undefined, next: LogPosition): LogPosition {
  if (known === undefined) return { asOf: next.asOf, era: next.era };
  if (known.era !== next.era) return { asOf: 0, era: "" };
  return { asOf: Math.min(known.asOf, next.asOf), era: known.era };
}
