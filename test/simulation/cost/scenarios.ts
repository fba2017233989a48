import { createWorld, type World } from "../../../bench/cost/world.ts";
import type { Network } from "../../../bench/cost/network.ts";
import { SCENARIO, type Scenario } from "../../../bench/cost/scenario.ts";

/** A network whose calls always take the same time. */
export const STEADY = {
  redis: [40, 40],
  object: [20, 20],
  cache: [2, 2],
  jitter: 0,
  slowShare: 0,
  slowFactor: 1,
} as const satisfies Network;

/** Two isolates of one data centre that are read all the time, over the steady network. */
export const SMALL: Scenario = {
  ...SCENARIO,
  isolates: 2,
  dataCentres: 1,
  readsPerSecond: Infinity,
  network: STEADY,
};

/** Runs a scenario to its end. */
export function play(scenario: Scenario, start: (world: World) => void): World {
  const world = createWorld(scenario);
  start(world);
  world.timeline.run(scenario.warmUpMs + scenario.countedMs);
  return world;
}

/** The longest time from an acknowledgement to a read that did not see the purge. */
export function longestDelay(world: World): number {
  return Math.max(...world.delays());
}
