/**
 * Planted faults: each removes one clause of the consistency protocol. They wrap the ports, so that
 * the engine under test is the real one. The checker must find each of them.
 */
import type { Entry } from "../../src/core/entry.ts";
import type { LogAnswer } from "../../src/core/log.ts";
import type { Context } from "../../src/core/context.ts";
import type { MemoryTier, Tier } from "../../src/core/tier.ts";
import type { Result } from "../../src/core/result.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import type { Seq } from "../../src/core/seq.ts";

export type PlantedFault =
  | "none"
  /** `asOf` is the log position after the load, not before it. */
  | "as-of-after-load"
  /** Every era has the same name. */
  | "era-ignored"
  /** The floor is always 0. */
  | "floor-ignored"
  /** `sentAt` is the time of receipt. */
  | "stamped-at-receipt"
  /** Lookups do not share loads. */
  | "coalescing-off"
  /** Reads of several keys do not share loads. */
  | "batches-not-coalesced"
  /** A write stores its value although another log key of the entry got a number meanwhile. */
  | "watched-ignored"
  /** A value does not depend on the values that its loader read with the reader of the request. */
  | "nested-unseen"
  /** An answer that lacks changes is taken for a whole one. */
  | "truncation-ignored"
  /** An answer made of an unreachable value is not marked, and is stored. */
  | "inner-mark-dropped"
  /** A value made of others counts as current from the start of its own load on. */
  | "inner-age-dropped"
  /** A verification gives each entry the numbers of another one. */
  | "verifications-mixed-up"
  /** The trimming above the cap of log keys does not raise the floor (redis-model.ts). */
  | "cap-without-floor"
  /** A result that a flight object may not keep leaves the one before it. */
  | "older-landing-kept"
  /** A follower of a flight gets no answer. */
  | "followers-forgotten"
  /** A load keeps its origin slot while it waits for a load inside it. */
  | "slot-kept"
  /** The mark of an invalidation that has failed for good does not end. */
  | "mark-never-ends"
  /** Relays handle rows that another relay has claimed (outbox-model.ts). */
  | "claims-ignored"
  /** The relay takes a log key that the log lacks for one that it has. */
  | "lost-number-found"
  /** The relay takes the newest number of all rows for the number of each log key. */
  | "rows-mixed-up"
  /** An existence filter excludes keys that were added after it was made. */
  | "filter-not-dated"
  /** Soft invalidations are not seen. */
  | "soft-ignored"
  /** Invalidations of prefixes are not seen. */
  | "prefix-ignored"
  /** An answer of the log object counts as sent when it was asked for (shared-log.ts). */
  | "object-age-ignored"
  /** The instant of the log object's clock is used as one of the isolate's clock (shared-log.ts). */
  | "object-instant-used"
  /** The share of a data centre counts as sent when it was read (shared-log.ts). */
  | "share-age-ignored"
  /** A log object confirms a group before its script has answered (group-objects.ts). */
  | "group-confirmed-early"
  /** Writes that store their value are numbered in groups too (group-objects.ts). */
  | "group-numbers-shared"
  /** A restart of the objects of the store takes acknowledged numbers back (durable-model.ts). */
  | "restart-loses-numbers";

export interface Ports {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
}

/** Wraps the ports with a fault. `head` returns the newest number of the log. */
export function plantFault(fault: PlantedFault, ports: Ports, head: () => Seq): Ports {
  switch (fault) {
    case "as-of-after-load":
      // Only entries that were just loaded; copies keep their asOf.
      return rewriteEntries(ports, (entry, now) =>
        entry.storedAt === now ? { ...entry, asOf: Math.max(entry.asOf, head()) } : entry,
      );
    case "era-ignored":
      return rewriteLog(
        rewriteEntries(ports, (entry) => ({ ...entry, era: "same" })),
        (log) => (log.era === undefined ? log : { ...log, era: "same" }),
      );
    case "floor-ignored":
      return rewriteLog(ports, (log) => ({ ...log, floor: 0 }));
    case "stamped-at-receipt":
      return rewriteLog(ports, (log, ctx) => ({ ...log, sentAt: ctx.now() }));
    case "watched-ignored": {
      const { store } = ports;
      return {
        ...ports,
        store: {
          ...store,
          invalidate: (logKeys, _watched, ctx) => store.invalidate(logKeys, [], ctx),
        },
      };
    }
    case "truncation-ignored":
      return rewriteLog(ports, (log) => ({ ...log, truncated: false }));
    case "verifications-mixed-up": {
      const { store } = ports;
      return {
        ...ports,
        store: {
          ...store,
          async verify(entries, since, ctx) {
            const answer = await store.verify(entries, since, ctx);
            if (!answer.ok) return answer;
            const numbers = rotated(answer.value.numbers);
            return { ok: true, value: { ...answer.value, numbers } };
          },
        },
      };
    }
    case "soft-ignored":
      return withoutChanges(ports, "~");
    case "prefix-ignored":
      return withoutChanges(ports, "p:");
    // The other faults are planted where the engine is composed (part-faults.ts), or called.
    case "none":
    case "coalescing-off":
    case "batches-not-coalesced":
    case "nested-unseen":
    case "inner-mark-dropped":
    case "inner-age-dropped":
    case "cap-without-floor":
    case "older-landing-kept":
    case "followers-forgotten":
    case "slot-kept":
    case "mark-never-ends":
    case "claims-ignored":
    case "lost-number-found":
    case "rows-mixed-up":
    case "filter-not-dated":
    case "object-age-ignored":
    case "object-instant-used":
    case "share-age-ignored":
    case "group-confirmed-early":
    case "group-numbers-shared":
    case "restart-loses-numbers":
      return ports;
  }
}

/** Leaves out the changes of log keys that begin so. */
function withoutChanges(ports: Ports, start: string): Ports {
  return rewriteLog(ports, (log) => ({
    ...log,
    changes: log.changes.filter(([logKey]) => !logKey.startsWith(start)),
  }));
}

function rewriteEntries(ports: Ports, change: (entry: Entry, now: number) => Entry): Ports {
  const { memory, edge, store } = ports;
  return {
    memory: { ...memory, put: (entry, now) => memory.put(change(entry, now), now) },
    edge: { ...edge, set: (entry, ctx) => edge.set(change(entry, ctx.now()), ctx) },
    store: {
      ...store,
      write: (entries, ctx) =>
        store.write(
          entries.map((entry) => change(entry, ctx.now())),
          ctx,
        ),
    },
  };
}

function rewriteLog(ports: Ports, change: (log: LogAnswer, ctx: Context) => LogAnswer): Ports {
  const { store } = ports;
  async function rewriteInside<T extends { readonly log: LogAnswer }>(
    answer: Promise<Result<T>>,
    ctx: Context,
  ): Promise<Result<T>> {
    const result = await answer;
    if (!result.ok) return result;
    return { ok: true, value: { ...result.value, log: change(result.value.log, ctx) } };
  }
  async function rewriteWhole(answer: Promise<Result<LogAnswer>>, ctx: Context) {
    const result = await answer;
    return result.ok ? { ok: true as const, value: change(result.value, ctx) } : result;
  }
  return {
    ...ports,
    store: {
      ...store,
      read: (keys, since, ctx) => rewriteInside(store.read(keys, since, ctx), ctx),
      verify: (entries, since, ctx) => rewriteInside(store.verify(entries, since, ctx), ctx),
      sync: (since, limit, ctx) => rewriteWhole(store.sync(since, limit, ctx), ctx),
      establish: (known, ctx) => rewriteWhole(store.establish(known, ctx), ctx),
    },
  };
}

/** Moves each item to the place of the one before it. */
function rotated<T>(items: readonly T[]): T[] {
  return [...items.slice(1), ...items.slice(0, 1)];
}
