/** Random schedules of reads, writes and failures. */
import fc from "fast-check";
import {
  COHERENCE_MS,
  createCluster,
  LAG_MS,
  ORIGIN_TIMEOUT_MS,
  REDIS_TIMEOUT_MS,
  type Cluster,
  type Isolate,
} from "./cluster.ts";
import type { PlantedFault } from "./faults.ts";
import { createHistory, type History } from "./history.ts";
import { createVirtualTime, type VirtualTime } from "./virtual-time.ts";

const KEYS = ["item:0", "item:1"] as const;
/** The keys of each batch have the same lifetimes. Those of the second are served while stale. */
const BATCHES = [
  ["item:0", "item:2", "item:4"],
  ["item:3", "item:5"],
] as const;
const ALL_KEYS = [...new Set([...KEYS, ...BATCHES.flat()])];

export type Move =
  | { readonly kind: "read" | "write"; readonly isolate: number; readonly key: number }
  | { readonly kind: "herd"; readonly key: number }
  /** An isolate, or each of them, reads several keys at once. */
  | { readonly kind: "batch"; readonly isolate: number; readonly batch: number }
  | { readonly kind: "batch-herd"; readonly batch: number }
  | { readonly kind: "batch-write"; readonly isolate: number; readonly key: number }
  /** An isolate reads a key 30 times in 3.3 s. */
  | { readonly kind: "watch"; readonly isolate: number; readonly key: number }
  | { readonly kind: "replace" | "clock"; readonly isolate: number; readonly ms: number }
  | { readonly kind: "outage"; readonly how: "refused" | "hanging"; readonly ms: number }
  | { readonly kind: "origin"; readonly how: "failing" | "slow"; readonly ms: number }
  | { readonly kind: "flights-away"; readonly how: "gone" | "frozen"; readonly ms: number }
  | { readonly kind: "flush" | "fail-over" | "trim" | "drop-flights" };

export interface Step {
  /** How long to wait before the move. */
  readonly waitMs: number;
  readonly move: Move;
}

export interface Schedule {
  readonly seed: number;
  readonly steps: readonly Step[];
}

const isolate = fc.nat(3);
const key = fc.nat(KEYS.length - 1);
const batch = fc.nat(BATCHES.length - 1);
const ms = fc.integer({ min: 100, max: 3_000 });

const calm: fc.WeightedArbitrary<Move>[] = [
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("read" as const), isolate, key }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("write" as const), isolate, key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("herd" as const), key }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("watch" as const), isolate, key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("batch" as const), isolate, batch }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("batch-herd" as const), batch }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("batch-write" as const),
      isolate,
      key: fc.nat(ALL_KEYS.length - 1),
    }),
  },
];

const rough: fc.WeightedArbitrary<Move>[] = [
  ...calm,
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
        "drop-flights" as const,
      ),
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
    { minLength: 10, maxLength: 40, size: "max" },
  );

/** Schedules without failures, in which concurrent loads can be counted. */
export const calmSchedule: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.nat(),
  steps: steps(calm),
});
/** Schedules with failures of every dependency. */
export const roughSchedule: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.nat(),
  steps: steps(rough),
});

/** Plays a schedule to its end. Returns the violations of the guarantee. */
export async function play(
  schedule: Schedule,
  fault: PlantedFault,
  { countLoads = false } = {},
): Promise<{ violations: readonly string[]; reads: number }> {
  const time = createVirtualTime({ seed: schedule.seed });
  const history = createHistory({
    coherenceMs: COHERENCE_MS + LAG_MS,
    // Two loads and one second, after at most two requests to the log.
    deadlineMs: 2 * ORIGIN_TIMEOUT_MS + 1_000 + 2 * REDIS_TIMEOUT_MS,
    answerMs: REDIS_TIMEOUT_MS,
    lagMs: LAG_MS,
    countLoads,
  });
  const cluster = createCluster({ time, history, fault, keys: ALL_KEYS });
  cluster.redis.lossy = !countLoads;
  let at = 0;
  for (const { waitMs, move } of schedule.steps) {
    at += waitMs;
    time.after(at, () => make(move, cluster, time, history));
  }
  await time.run(at + 60_000);
  return { violations: history.violations(), reads: history.reads };
}

/** Sets how far an isolate's clock is off. */
function setClock(isolate: Isolate, skewMs: number, time: VirtualTime, history: History): void {
  const byMs = isolate.skewMs - skewMs;
  if (byMs > 0) history.clockSetBack(isolate.name, time.now(), byMs);
  isolate.skewMs = skewMs;
}

function make(move: Move, cluster: Cluster, time: VirtualTime, history: History): void {
  const at = (index: number) => {
    const found = cluster.isolates[index];
    if (found === undefined) throw new Error(`no isolate ${index}`);
    return found;
  };
  switch (move.kind) {
    case "read":
      return void cluster.read(at(move.isolate), KEYS[move.key] ?? KEYS[0]);
    case "write":
      return void cluster.write(at(move.isolate), KEYS[move.key] ?? KEYS[0]);
    case "herd":
      for (const one of cluster.isolates)
        for (let i = 0; i < 3; i++) void cluster.read(one, KEYS[move.key] ?? KEYS[0]);
      return;
    case "watch":
      for (let i = 0; i < 30; i++)
        time.after(i * 110, () => void cluster.read(at(move.isolate), KEYS[move.key] ?? KEYS[0]));
      return;
    case "batch":
      return void cluster.readMany(at(move.isolate), BATCHES[move.batch] ?? BATCHES[0]);
    case "batch-herd":
      for (const one of cluster.isolates)
        void cluster.readMany(one, BATCHES[move.batch] ?? BATCHES[0]);
      return;
    case "batch-write":
      return void cluster.write(at(move.isolate), ALL_KEYS[move.key] ?? KEYS[0]);
    case "replace":
      return cluster.replace(move.isolate);
    case "clock":
      setClock(at(move.isolate), move.ms, time, history);
      return;
    case "outage":
      cluster.redis.outage = move.how;
      return void time.after(move.ms, () => {
        cluster.redis.outage = "none";
      });
    case "origin":
      cluster.origin = move.how;
      return void time.after(move.ms, () => {
        cluster.origin = "up";
      });
    case "flights-away":
      cluster.flightsAre = move.how;
      return void time.after(move.ms, () => {
        cluster.flightsAre = "up";
      });
    case "flush":
      return cluster.redis.flush();
    case "fail-over":
      history.numbersLost(time.now());
      return cluster.redis.failOver();
    case "trim":
      return cluster.redis.trim(0);
    case "drop-flights":
      return cluster.dropFlights();
  }
}
