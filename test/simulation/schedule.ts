/** Random schedules of reads, writes and failures. */
import fc from "fast-check";
import { MAX_CHANGES } from "../../src/core/log.ts";
import {
  COHERENCE_MS,
  createCluster,
  LAG_MS,
  ORIGIN_TIMEOUT_MS,
  REDIS_TIMEOUT_MS,
  type Cluster,
  type Isolate,
} from "./cluster.ts";
import { createClients, WRITES, type Clients, type Write } from "./clients.ts";
import type { PlantedFault } from "./faults.ts";
import { createHistory, type History } from "./history.ts";
import { createVirtualTime, type VirtualTime } from "./virtual-time.ts";

const KEYS = ["item:0", "item:1"] as const;
/** The keys of each batch have the same lifetimes. Those of the second are served while stale. */
const BATCHES = [
  ["item:0", "item:2", "item:4"],
  ["item:3", "item:5"],
] as const;
const ALL_KEYS = [...new Set([...KEYS, ...BATCHES.flat()])].toSorted();

export type Move =
  | { readonly kind: "read" | "nested" | "warm"; readonly isolate: number; readonly key: number }
  | { readonly kind: "write"; readonly isolate: number; readonly key: number; readonly by: Write }
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
  | { readonly kind: "flush" | "fail-over" | "trim" | "drop-flights" | "storm" };

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
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("write" as const),
      isolate,
      key: fc.oneof(
        { weight: 2, arbitrary: key },
        { weight: 1, arbitrary: fc.nat(ALL_KEYS.length - 1) },
      ),
      by: fc.constantFrom(...WRITES),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("nested" as const), isolate, key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("batch" as const), isolate, batch }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("batch-herd" as const), batch }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("herd" as const), key }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("watch" as const), isolate, key }) },
];

const rough: fc.WeightedArbitrary<Move>[] = [
  ...calm,
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("warm" as const), isolate, key }) },
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
        "storm" as const,
      ),
    }),
  },
];

const sharing: fc.WeightedArbitrary<Move>[] = [
  ...rough,
  {
    weight: 6,
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
    { minLength: 10, maxLength: 40, size: "max" },
  );

export const calmSchedule: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.nat(),
  steps: steps(calm),
});
export const roughSchedule: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.nat(),
  steps: steps(rough),
});

/** Schedules with failures, for isolates that share their syncs. */
export const sharingSchedule: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.nat(),
  steps: steps(sharing),
});

/** Plays a schedule to its end. Returns the violations of the guarantee. */
export async function play(
  schedule: Schedule,
  fault: PlantedFault,
  { countLoads = false, sharing = false, grouping = false } = {},
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
  const cluster = createCluster({ time, fault, keys: ALL_KEYS, sharing, grouping });
  const clients = createClients({ cluster, time, history, fault, keys: ALL_KEYS });
  cluster.redis.lossy = !countLoads;
  let at = 0;
  for (const { waitMs, move } of schedule.steps) {
    at += waitMs;
    time.after(at, () => make(move, { cluster, clients, time, history }));
  }
  await time.run(at + 60_000);
  return { violations: history.violations(), reads: history.reads };
}

/** Sets how far an isolate's clock is off. Isolates that share syncs have the clock of their data centre. */
function setClock(cluster: Cluster, one: Isolate, ms: number, time: VirtualTime, history: History) {
  const set = cluster.isolates.filter(
    (other) => other === one || (cluster.sharing && other.colo === one.colo),
  );
  for (const isolate of set) setOne(isolate, ms + isolate.offsetMs, time, history);
}

function setOne(isolate: Isolate, skewMs: number, time: VirtualTime, history: History): void {
  if (skewMs !== 0) history.clockWrong();
  const byMs = isolate.skewMs - skewMs;
  if (byMs > 0) history.clockSetBack(isolate.name, time.now(), byMs);
  isolate.skewMs = skewMs;
}

interface Play {
  readonly cluster: Cluster;
  readonly clients: Clients;
  readonly time: VirtualTime;
  readonly history: History;
}

function make(move: Move, { cluster, clients, time, history }: Play): void {
  const at = (index: number) => {
    const found = cluster.isolates[index];
    if (found === undefined) throw new Error(`no isolate ${index}`);
    return found;
  };
  switch (move.kind) {
    case "read":
      return void clients.read(at(move.isolate), KEYS[move.key] ?? KEYS[0]);
    case "write":
      return void clients.write(at(move.isolate), ALL_KEYS[move.key] ?? KEYS[0], move.by);
    case "nested":
      return void clients.readNested(at(move.isolate), KEYS[move.key] ?? KEYS[0]);
    case "batch":
      return void clients.readMany(at(move.isolate), BATCHES[move.batch] ?? BATCHES[0]);
    case "batch-herd":
      for (const one of cluster.isolates)
        void clients.readMany(one, BATCHES[move.batch] ?? BATCHES[0]);
      return;
    case "warm":
      return void clients.warm(at(move.isolate), KEYS[move.key] ?? KEYS[0]);
    case "herd":
      for (const one of cluster.isolates)
        for (let i = 0; i < 3; i++) void clients.read(one, KEYS[move.key] ?? KEYS[0]);
      return;
    case "watch":
      for (let i = 0; i < 30; i++)
        time.after(i * 110, () => void clients.read(at(move.isolate), KEYS[move.key] ?? KEYS[0]));
      return;
    case "pace": {
      const name = KEYS[move.key] ?? KEYS[0];
      const read = (index: number) => void clients.read(at(index), name);
      for (let i = 1; i <= 12; i++) {
        time.after(i * move.ms, () => read(move.isolate));
        // The log object has then asked Redis shortly before the isolate asks it.
        time.after(i * move.ms - 350, () => read(move.isolate === 2 ? 0 : 2));
      }
      time.after(
        time.random() * 12 * move.ms,
        () => void clients.write(at((move.isolate + 2) % 4), name, "key"),
      );
      return;
    }
    case "replace":
      return cluster.replace(move.isolate);
    case "clock":
      setClock(cluster, at(move.isolate), move.ms, time, history);
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
      return cluster.dropObjects();
    case "storm":
      // More changes than one answer has.
      return cluster.redis.storm(MAX_CHANGES + 200);
  }
}
