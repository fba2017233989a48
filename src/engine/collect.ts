/** What a load gathers while it runs: its tags, and all that it read from the cache. */
import { toMillis, type Duration } from "../core/duration.ts";
import type { Loaded, LogMoment } from "../core/entry.ts";
import type { Lookup } from "../core/ports.ts";
import { MAX_TAGS, tagMember, type HardMember } from "../core/tag.ts";
import type { EpochMs, Millis } from "../core/time.ts";

/** Names one entry carries at most; more, and it is not stored. */
const MAX_MEMBERS = MAX_TAGS * 4;

export interface Collector {
  tag(...tags: readonly string[]): void;
  /** Adds all the names of an entry that turned out to be right as it is. */
  carry(members: readonly HardMember[]): void;
  noStore(): void;
  freshFor(duration: Duration): void;
  /** An outer value lives no longer than what it was made of, and dies with it. */
  include(lookup: Lookup): void;
  /** `own` are tags of this result alone, where one load made several. */
  finish(made: Made, own?: readonly string[]): Loaded;
}

export type Made = Pick<Extract<Loaded, { storable: true }>, "kind" | "body" | "http" | "etag">;

export function createCollector(): Collector {
  const members = new Set<HardMember>();
  let freshUntil: EpochMs | undefined;
  let inner: LogMoment | undefined;
  let freshForMs: Millis | undefined;
  let storable = true;

  return {
    tag: (...tags) => {
      for (const tag of tags) members.add(tagMember(tag));
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
      for (const member of entry.members) if (member !== "n:") members.add(member);
      freshUntil = Math.min(freshUntil ?? Infinity, entry.freshUntil);
      inner = oldest(inner, entry);
    },
    finish: (made, own = []) =>
      storable && members.size <= MAX_MEMBERS
        ? {
            storable: true,
            ...made,
            members: [...members, ...own.map(tagMember)],
            ...(freshForMs !== undefined && { freshForMs }),
            ...(freshUntil !== undefined && { freshUntil }),
            ...(inner !== undefined && { inner }),
          }
        : { storable: false },
  };
}

/** Two eras in one value: no log can vouch for it. */
function oldest(known: LogMoment | undefined, next: LogMoment): LogMoment {
  if (known === undefined) return { asOf: next.asOf, era: next.era };
  if (known.era !== next.era) return { asOf: 0, era: "" };
  return { asOf: Math.min(known.asOf, next.asOf), era: known.era };
}
