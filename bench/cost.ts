/**
 * Counts what coherence and invalidations cost, in a simulation: Redis commands, requests to
 * objects, bytes, dollars a month, and how long a purge takes to reach the last reader.
 */
import { GROUP_TICK_MS } from "../src/core/log-groups.ts";
import { runModel, type Design, type Outcome } from "./cost/run.ts";
import { REDIS_COMMANDS_CAP } from "./cost/prices.ts";
import { SCENARIO, type Scenario } from "./cost/scenario.ts";
import { SHARED, type SharedDesign } from "./cost/shared-design.ts";
import { save, show, type Row } from "./support/report.ts";

const ISOLATES = [20, 200, 2_000, 10_000];
const DATA_CENTRES = [30, 300];
const INVALIDATIONS = [0, 1, 100, 1_000];
const SEEDS = 10;

const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
function rowOf(name: string, scenario: Scenario, design: Design): Row {
  return { design: name, ...placesOf(scenario), ...costOf(runModel(scenario, design)) };
}

const placesOf = (scenario: Scenario): Row => ({
  isolates: whole(scenario.isolates),
  "data centres": scenario.dataCentres,
  "invalidations/s": whole(scenario.invalidationsPerSecond),
});

function costOf({ coherence, bill, delay, ...outcome }: Outcome): Row {
  const commands = coherence.redisCommands + outcome.invalidationCommands;
  return {
    "Redis commands/s, coherence": coherence.redisCommands.toFixed(1),
    "Redis commands/s, invalidations": whole(outcome.invalidationCommands),
    "over the cap": commands > REDIS_COMMANDS_CAP ? "yes" : "",
    "object requests/s": whole(outcome.objectRequests),
    "Redis KB/s": whole(outcome.redisBytes / 1_000),
    "$ Redis commands": whole(bill.redisCommands),
    "$ Redis bandwidth": whole(bill.redisBandwidth),
    "$ object requests": whole(bill.objectRequests),
    "$ object duration": whole(bill.objectDuration),
    "$ a month": whole(bill.total),
    "delay p50, ms": whole(delay.p50),
    "delay p99, ms": whole(delay.p99),
    "delay max, ms": whole(delay.max),
  };
}

const matrix = ISOLATES.flatMap((isolates) =>
  DATA_CENTRES.flatMap((dataCentres) =>
    INVALIDATIONS.flatMap((invalidationsPerSecond) => {
      const scenario = { ...SCENARIO, isolates, dataCentres, invalidationsPerSecond };
      return [rowOf("direct", scenario, "direct"), rowOf("shared", scenario, SHARED)];
    }),
  ),
);
show(
  "Modelled: each isolate asks Redis (direct), and shares of data centre and region (shared)",
  matrix,
);

const grouped = [1, SCENARIO.regions].flatMap((objects) =>
  [100, 1_000].map((invalidationsPerSecond) => {
    const scenario = { ...SCENARIO, invalidationsPerSecond };
    const outcome = runModel(scenario, SHARED, { objects, tickMs: GROUP_TICK_MS });
    return {
      objects,
      ...placesOf(scenario),
      "requests/s of each object": whole(outcome.requestsOfGroupObject),
      ...costOf(outcome),
      "held at most, ms": whole(outcome.heldMs),
    };
  }),
);
show(
  `Modelled: invalidations numbered together at one object or one for each region, in groups of ${GROUP_TICK_MS} ms`,
  grouped,
);

/** Each changes a part of `SHARED`. */
const TUNINGS: readonly (readonly [name: string, change: Partial<SharedDesign>])[] = [
  ["as above", {}],
  ["each question is a session of its own", { termMs: 0 }],
  ["terms of 20 s", { termMs: 20_000 }],
  ["a slow poll is not repeated", { repeatPollMs: Infinity }],
  ["tick of 500 ms", { tickMs: 500, recentMs: 400 }],
  ["tick of 700 ms", { tickMs: 700, recentMs: 500 }],
  ["margin of 100 ms", { marginMs: 100 }],
  ["claims end after 150 ms", { claimMs: 150 }],
  ["the leader syncs at 0.65", { leaderPart: 0.65 }],
  ["the others look at 0.85", { followerPart: 0.85 }],
];

const tunings = TUNINGS.flatMap(([name, change]) =>
  [1, 2].map((seed): Row => {
    const outcome = runModel({ ...SCENARIO, seed }, { ...SHARED, ...change });
    const { coherence, bill, delay } = outcome;
    return {
      tuning: name,
      seed,
      "Redis commands/s": coherence.redisCommands.toFixed(1),
      "of them without a share": coherence.directSyncs.toFixed(1),
      "object requests/s": whole(coherence.objectRequests),
      "object questions/s": whole(coherence.objectQuestions),
      "Cache API calls/s": whole(coherence.cacheLookups + coherence.cachePuts),
      "reads that wait/s": coherence.waits.toFixed(1),
      "$ a month": whole(bill.total),
      "delay max, ms": whole(delay.max),
    };
  }),
);
show(
  `Modelled: tunings of shared, ${whole(SCENARIO.isolates)} isolates in ${SCENARIO.dataCentres} data centres, no invalidations`,
  tunings,
);

const seeds = Array.from({ length: SEEDS }, (_, at): Row => {
  const { coherence, bill, delay } = runModel({ ...SCENARIO, seed: at + 1 }, SHARED);
  return {
    seed: at + 1,
    "Redis commands/s": coherence.redisCommands.toFixed(1),
    "object requests/s": whole(coherence.objectRequests),
    "$ a month": whole(bill.total),
    "delay max, ms": whole(delay.max),
  };
});
show("Modelled: the same deployment with other seeds, and so with other distances", seeds);
save("cost", { scenario: SCENARIO, shared: SHARED, matrix, grouped, tunings, seeds });
