import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyAnswer, verdictByView } from "../../src/core/log.ts";
import { createLogView } from "../../src/core/log-view.ts";
import type { LogAnswer, Verdict } from "../../src/core/log.ts";
import { verdictByNumbers } from "../../src/core/log-verdict.ts";
import { validate, type EarlierResult, type Validation } from "../../src/engine/validation.ts";
import type { Lookup } from "../../src/core/lookup.ts";
import { definePolicy } from "../../src/index.ts";
import { entryOf, invalidationKeysOf } from "../support/entries.ts";
import { DOORS, readThrough, TAG, type Door, type DoorCase } from "./doors.ts";

const NOW = 10_000_000;
const KEY = "product:1";
const COHERENCE_MS = 1_000;

const policy = fc
  .record({
    onUnreachable: fc.constantFrom<"serve" | "bypass">("serve", "bypass"),
    unreachableFor: fc.constantFrom(500, 5_000, 600_000),
  })
  .map((options) =>
    definePolicy({
      freshFor: "1m",
      staleWhileRevalidate: "1m",
      staleIfError: "5m",
      jitter: 0,
      coherence: COHERENCE_MS,
      ...options,
    }),
  );

const entry = fc
  .record({
    age: fc.constantFrom(0, 1, 500, 999, 1_000, 1_001, 4_000, 30_000, 70_000, 130_000, 500_000),
    lives: fc.tuple(
      fc.constantFrom(0, 900, 60_000),
      fc.constantFrom(0, 60_000),
      fc.constantFrom(0, 300_000),
    ),
    asOf: fc.integer({ min: 50, max: 140 }),
    era: fc.constantFrom("era-1", "era-1", "era-1", "era-2", ""),
  })
  .map(({ age, lives: [fresh, stale, error], asOf, era }) => {
    const storedAt = NOW - age;
    const freshUntil = storedAt + fresh;
    const staleUntil = freshUntil + stale;
    const errorUntil = staleUntil + error;
    return entryOf({
      key: KEY,
      invalidationKeys: invalidationKeysOf(KEY, TAG.slice(2)),
      ...{ storedAt, freshUntil, staleUntil, errorUntil, deleteAt: errorUntil + 60_000 },
      asOf,
      era,
    });
  });

const doorCase: fc.Arbitrary<DoorCase> = fc.record({
  entry,
  policy,
  log: fc.record({
    era: fc.constant("era-1"),
    seq: fc.integer({ min: 140, max: 160 }),
    floor: fc.constantFrom(0, 0, 60, 100),
  }),
  hard: fc.constantFrom(0, 60, 80, 120, 139),
  soft: fc.constantFrom(0, 70, 90, 130),
  unconfirmed: fc.constantFrom(0, 0, 85, 125),
  truncated: fc.boolean(),
  syncedAgoMs: fc.option(fc.constantFrom(0, 400, 1_000, 1_001, 4_000, 20_000), { nil: undefined }),
  reachable: fc.boolean(),
  beganAgoMs: fc.constantFrom(0, 1, 500, 1_000, 1_001, 3_000),
  now: fc.constant(NOW),
});

/** What the isolate knows of the log when it reads: the view after its sync, if it has synced. */
function viewOf({ log, hard, soft, unconfirmed, truncated, syncedAgoMs, now }: DoorCase) {
  const view = createLogView();
  if (syncedAgoMs === undefined) return view;
  const all = [
    [TAG, hard],
    [`~${TAG}`, soft],
    [`?${TAG}`, unconfirmed],
    ["t:newest", log.seq ?? 0],
  ] as const;
  const changes = all.filter(([, seq]) => seq > log.floor);
  const part = truncated ? changes.slice(-1) : changes;
  applyAnswer(view, { ...log, sentAt: now - syncedAgoMs, since: 0, truncated, changes: part });
  return view;
}

/** Calls the one function as a reader with this knowledge has to. */
function expected(door: Door, one: DoorCase): Validation {
  const { entry: held, policy: by, log, now, reachable, hard, soft, unconfirmed } = one;
  const read = { policy: by, startedAt: now };
  const answer: LogAnswer = { ...log, sentAt: now, since: 0, truncated: false, changes: [] };
  const result: EarlierResult | undefined =
    door === "flight" ? { currentAt: now - one.beganAgoMs, unreachable: false } : undefined;
  const ask = (verdict: Verdict, state: "current" | "unreachable", confirmedAt: number) =>
    validate(held, verdict, state, confirmedAt, read, now, result);
  const numbers = { hard, soft, unconfirmed };
  const byNumbers = () => ask(verdictByNumbers(held, numbers, answer), "current", now);
  if (door === "redis" && reachable) return byNumbers();
  const view = viewOf(one);
  const isCurrent = view.stamp >= now - COHERENCE_MS;
  if (!isCurrent && reachable) return byNumbers();
  const verdict = verdictByView(view, held);
  const local = ask(verdict, isCurrent ? "current" : "unreachable", view.stamp);
  if (local.use !== "verify") return local;
  return reachable ? byNumbers() : ask(verdict, "unreachable", view.stamp);
}

/** Whether a validated entry answers at the door, by its freshness. */
function answers(
  door: Door,
  { freshness, onlyIfLoadFails }: Extract<Validation, { use: "serve" }>,
): boolean {
  if (onlyIfLoadFails && door !== "error") return false;
  if (freshness === "fresh") return true;
  if (freshness === "revalidate") return door !== "flight";
  return freshness === "error-only" && door === "error";
}

/** The marks of an answer. */
type Marks = Pick<Lookup, "unreachable" | "unconfirmed">;

const WHERE: Readonly<Record<Door, string>> = {
  memory: "an entry in memory",
  edge: "an entry in the edge",
  redis: "an entry in Redis",
  flight: "an entry that another isolate has loaded in a flight",
  error: "a memory entry whose load fails",
};
const HOW = { alone: "read()", batch: "readMany()" } as const;

describe("entries of each tier, of flights, and for stale-if-error", () => {
  for (const door of DOORS)
    for (const how of ["alone", "batch"] as const) {
      // Batches read no edge: the Cache API has no batches.
      if (door === "edge" && how === "batch") continue;
      it(`${WHERE[door]} answers ${HOW[how]} exactly if validate() serves the entry`, async () => {
        const seen = new Set<string>();
        await fc.assert(
          fc.asyncProperty(doorCase, async (one) => {
            if (door === "redis" && !one.reachable) return;
            const lookup = await readThrough(door, how, one);
            const validation = expected(door, one);
            const serves = validation.use === "serve" && answers(door, validation);
            seen.add(serves ? `serve ${validation.unreachable}` : validation.use);
            const isHeld = lookup?.entry?.etag === one.entry.etag;
            const marksOf = ({ unreachable, unconfirmed = false }: Marks) => ({
              unreachable,
              unconfirmed,
            });
            expect({ isHeld, ...(isHeld && marksOf(lookup)) }).toEqual({
              isHeld: serves,
              ...(serves && marksOf(validation)),
            });
          }),
          { numRuns: 400 },
        );
        expect(seen.size).toBeGreaterThan(1);
      });
    }
});
