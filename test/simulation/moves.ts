/** The moves of random schedules: reads, writes and failures. */
import fc from "fast-check";
import { calmLimits, limitsArbitrary, type Limits } from "./limits.ts";
import { WRITES, type Write } from "./write-clients.ts";

export const KEYS = ["item:0", "item:1"] as const;
/** The keys of each batch have the same lifetimes. Those of the second are served while stale. */
export const BATCHES = [
  ["item:0", "item:2", "item:4"],
  ["item:3", "item:5"],
] as const;
export const ALL_KEYS = [...new Set([...KEYS, ...BATCHES.flat()])].toSorted();

/** Keys that do not exist before their first write. */
export const THINGS = ["thing:0", "thing:1", "thing:2"] as const;

export type Move =
  | { readonly kind: "read" | "nested" | "warm"; readonly isolate: number; readonly key: number }
  | { readonly kind: "write"; readonly isolate: number; readonly key: number; readonly by: Write }
  /** An isolate reads a key that may not exist. */
  | { readonly kind: "look"; readonly isolate: number; readonly thing: number }
  | { readonly kind: "make"; readonly isolate: number; readonly thing: number; readonly by: Write }
  /** The isolate builds the existence filters that are due. */
  | { readonly kind: "filter"; readonly isolate: number }
  /** Isolates load a filter that lacks a key. The key is made, and they read it. */
  | { readonly kind: "debut"; readonly isolate: number; readonly thing: number }
  /** A mutation, and soon after it the relay in all isolates. */
  | { readonly kind: "relays"; readonly isolate: number; readonly key: number }
  /** All isolates have a key in memory. A mutation of it is lost in a fail-over, and they read it. */
  | {
      readonly kind: "lost-write";
      readonly isolate: number;
      readonly key: number;
      readonly ms: number;
    }
  /** A key is written while Redis fails, and all isolates read values made of it. */
  | {
      readonly kind: "blackout";
      readonly isolate: number;
      readonly key: number;
      readonly ms: number;
    }
  /** A write-through, and a purge of the key's prefix while it runs. */
  | { readonly kind: "race"; readonly isolate: number; readonly key: number; readonly ms: number }
  /** A write, and then so many others that its number is not in the answers, or trimmed. */
  | {
      readonly kind: "overflow";
      readonly isolate: number;
      readonly key: number;
      readonly ms: number;
    }
  /** An isolate purges the namespace while neither Redis nor the database works. */
  | { readonly kind: "vain-purge"; readonly isolate: number }
  /** An isolate, or each of them, reads several keys at once. */
  | { readonly kind: "batch"; readonly isolate: number; readonly batch: number }
  | { readonly kind: "batch-herd"; readonly batch: number }
  | { readonly kind: "herd"; readonly key: number }
  /** An isolate reads a key 30 times in 3.3 s. */
  | { readonly kind: "watch"; readonly isolate: number; readonly key: number }
  /**
   * Two isolates read a key 12 times, and another writes it once. At each read the log view is near
   * the end of its window.
   */
  | { readonly kind: "pace"; readonly isolate: number; readonly key: number; readonly ms: number }
  | { readonly kind: "replace" | "clock"; readonly isolate: number; readonly ms: number }
  | { readonly kind: "outage"; readonly how: "refused" | "hanging"; readonly ms: number }
  | { readonly kind: "origin"; readonly how: "failing" | "slow"; readonly ms: number }
  | { readonly kind: "flights-away"; readonly how: "gone" | "frozen"; readonly ms: number }
  | { readonly kind: "database"; readonly how: "refused" | "hanging"; readonly ms: number }
  | { readonly kind: "flush" | "fail-over" | "trim" | "cap" | "drop-flights" | "storm" };

export interface Step {
  /** How long to wait before the move. */
  readonly waitMs: number;
  readonly move: Move;
}

export interface Schedule {
  readonly seed: number;
  readonly limits: Limits;
  readonly steps: readonly Step[];
}

const isolate = fc.nat(3);
const key = fc.nat(KEYS.length - 1);
const thing = fc.nat(THINGS.length - 1);
const batch = fc.nat(BATCHES.length - 1);
const ms = fc.integer({ min: 100, max: 3_000 });

const calm: fc.WeightedArbitrary<Move>[] = [
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("read" as const), isolate, key }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("write" as const),
      isolate,
      key: fc.oneof(
        { weight: 2, arbitrary: key },
        { weight: 1, arbitrary: fc.nat(ALL_KEYS.length - 1) },
      ),
      by: fc.constantFrom(...WRITES.filter((by) => by !== "crash")),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("look" as const), isolate, thing }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("make" as const),
      isolate,
      thing,
      by: fc.constantFrom("tag" as const, "key" as const, "through" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("filter" as const), isolate }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("relays" as const), isolate, key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("nested" as const), isolate, key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("batch" as const), isolate, batch }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("batch-herd" as const), batch }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("herd" as const), key }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("watch" as const), isolate, key }) },
];

const rough: fc.WeightedArbitrary<Move>[] = [
  ...calm,
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("warm" as const), isolate, key }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("write" as const),
      isolate,
      key,
      by: fc.constant("crash" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("debut" as const), isolate, thing }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "lost-write" as const,
        "blackout" as const,
        "overflow" as const,
        "race" as const,
      ),
      isolate,
      key,
      ms: fc.nat(300),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("vain-purge" as const), isolate }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("database" as const),
      how: fc.constantFrom("refused" as const, "hanging" as const),
      ms,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("replace" as const), isolate, ms }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("clock" as const),
      isolate,
      ms: fc.constantFrom(-3_600_000, -200, 0, 200, 3_600_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("outage" as const),
      how: fc.constantFrom("refused" as const, "hanging" as const),
      ms,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("origin" as const),
      how: fc.constantFrom("failing" as const, "slow" as const),
      ms,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("flights-away" as const),
      how: fc.constantFrom("gone" as const, "frozen" as const),
      ms,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "flush" as const,
        "fail-over" as const,
        "trim" as const,
        "cap" as const,
        "drop-flights" as const,
        "storm" as const,
      ),
    }),
  },
];

const sharing: fc.WeightedArbitrary<Move>[] = [
  ...rough,
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("pace" as const),
      // Those of one region, so of one log object.
      isolate: fc.nat(2),
      key,
      ms: fc.integer({ min: 900, max: 1_000 }),
    }),
  },
];

const steps = (moves: fc.WeightedArbitrary<Move>[]) =>
  fc.array(
    fc.record({
      waitMs: fc.oneof(
        { weight: 4, arbitrary: fc.nat(120) },
        { weight: 2, arbitrary: fc.nat(1_500) },
        { weight: 1, arbitrary: fc.nat(8_000) },
      ),
      move: fc.oneof(...moves),
    }),
    { minLength: 10, maxLength: 32, size: "max" },
  );

export const calmSchedule: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.nat(),
  limits: calmLimits,
  steps: steps(calm),
});
export const roughSchedule: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.nat(),
  limits: limitsArbitrary,
  steps: steps(rough),
});

/** Schedules with failures, for isolates that share their syncs. */
export const sharingSchedule: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.nat(),
  limits: limitsArbitrary,
  steps: steps(sharing),
});
