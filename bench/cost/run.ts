import { quantile } from "../support/time.ts";
import { monthlyBill, type Bill } from "./bill.ts";
import { startDirect } from "./direct.ts";
import { groupInvalidations } from "./group-commit.ts";
import { invalidationExchange } from "./redis-answer.ts";
import type { Scenario } from "./scenario.ts";
import { startShared } from "./shared.ts";
import type { SharedDesign } from "./shared-design.ts";
import { createWorld, type Tally } from "./world.ts";

/** `direct`, or the tuning of `shared`. */
export type Design = "direct" | SharedDesign;

export interface Grouping {
  readonly objects: number;
  readonly tickMs: number;
}

/** Rates for each second, and the delays in milliseconds. */
export interface Outcome {
  readonly coherence: Readonly<Record<keyof Tally, number>>;
  readonly invalidationCommands: number;
  readonly objectRequests: number;
  /** The requests to each object that numbers invalidations together. 0 if there is none. */
  readonly requestsOfGroupObject: number;
  readonly redisBytes: number;
  readonly bill: Bill;
  readonly delay: { readonly p50: number; readonly p99: number; readonly max: number };
  /** The longest time for which an invalidation waits for its group. */
  readonly heldMs: number;
}

export function runModel(scenario: Scenario, design: Design, grouping?: Grouping): Outcome {
  const world = createWorld(scenario);
  if (design === "direct") startDirect(world);
  else startShared(world, design);
  world.timeline.run(scenario.warmUpMs + scenario.countedMs);

  const seconds = scenario.countedMs / 1_000;
  const coherence = Object.fromEntries(
    Object.entries(world.tally).map(([what, count]) => [what, count / seconds]),
  ) as Record<keyof Tally, number>;
  const invalidations = invalidationsOf(scenario, grouping);
  const objectRequests = coherence.objectRequests + invalidations.objectRequests;
  const redisBytes = coherence.redisBytes + invalidations.bytes;
  const regions = Math.min(scenario.regions, scenario.dataCentres, scenario.isolates);
  const bill = monthlyBill({
    redisCommands: coherence.redisCommands + invalidations.commands,
    redisBytes,
    objectRequests,
    activeObjects: (design === "direct" ? 0 : regions) + invalidations.objects,
  });
  const delays = world.delays();
  return {
    coherence,
    invalidationCommands: invalidations.commands,
    objectRequests,
    requestsOfGroupObject: invalidations.objectRequests / Math.max(1, invalidations.objects),
    redisBytes,
    bill,
    delay: {
      p50: quantile(delays, 0.5),
      p99: quantile(delays, 0.99),
      max: delays.reduce((most, delay) => Math.max(most, delay), 0),
    },
    heldMs: invalidations.heldMs,
  };
}

/** The use of the invalidations themselves in a second. Without groups, each is numbered by itself. */
function invalidationsOf(scenario: Scenario, grouping: Grouping | undefined) {
  const { invalidationsPerSecond, countedMs, seed } = scenario;
  if (grouping === undefined || invalidationsPerSecond === 0) {
    const { commands, bytes } = invalidationExchange(1);
    return {
      commands: commands * invalidationsPerSecond,
      bytes: bytes * invalidationsPerSecond,
      objectRequests: 0,
      objects: 0,
      heldMs: 0,
    };
  }
  const grouped = groupInvalidations({ ...grouping, invalidationsPerSecond, countedMs, seed });
  const seconds = countedMs / 1_000;
  return {
    commands: grouped.redisCommands / seconds,
    bytes: grouped.redisBytes / seconds,
    objectRequests: grouped.heldMs.length / seconds,
    objects: grouping.objects,
    heldMs: grouped.heldMs.reduce((most, held) => Math.max(most, held), 0),
  };
}
