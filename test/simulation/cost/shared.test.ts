import { describe, expect, it } from "vitest";
import { NETWORK, SCENARIO, type Scenario } from "../../../bench/cost/scenario.ts";
import { SHARED, startShared, type SharedDesign } from "../../../bench/cost/shared.ts";
import { createDice } from "../../../bench/support/dice.ts";
import { longestDelay, play, SMALL, STEADY } from "./scenarios.ts";

const run = (scenario: Scenario, design: Partial<SharedDesign> = {}) =>
  play(scenario, (world) => startShared(world, { ...SHARED, ...design }));

describe("the design in which data centres and regions share syncs, in the model of cost", () => {
  it("two isolates of one data centre cost one request to the object and one Redis command every 700 ms: 85 or 86 in 60 s", () => {
    const { tally } = run(SMALL);
    expect([85, 86]).toContain(tally.redisCommands);
    expect(Math.abs(tally.objectRequests - tally.redisCommands)).toBeLessThanOrEqual(1);
    expect(tally.waits).toBe(0);
  });

  it("two data centres of one region share the polls of its object, and two regions do not", () => {
    const one = run({ ...SMALL, dataCentres: 2, regions: 1 }).tally;
    const two = run({ ...SMALL, dataCentres: 2, regions: 2 }).tally;
    expect(one.redisCommands).toBeLessThanOrEqual(86);
    expect(one.objectRequests).toBeGreaterThan(2 * 80);
    expect(two.redisCommands).toBeGreaterThan(2 * 80);
  });

  it("each read that finds its view too old asks Redis directly if the poll takes longer than the view lasts", () => {
    const network = { ...STEADY, redis: [700, 700] as const };
    const world = run({ ...SMALL, network });
    expect(world.tally.waits).toBeGreaterThan(60);
    expect(world.tally.redisCommands).toBeGreaterThan(world.tally.objectRequests);
    expect(longestDelay(world)).toBeLessThanOrEqual(SMALL.coherenceMs);
  });

  it("isolates that read their claim back send fewer requests to the object than isolates that do not", () => {
    const crowd = { ...SCENARIO, isolates: 100, dataCentres: 4, countedMs: 20_000 };
    const apart = run(crowd, { readsClaimBack: false }).tally.objectRequests;
    const back = run(crowd, { readsClaimBack: true }).tally.objectRequests;
    expect(back).toBeLessThan(apart * 0.6);
  });

  it("no read misses a purge for longer than coherence and replica lag, under random tunings of a slow network", () => {
    const dice = createDice(7);
    for (let seed = 0; seed < 40; seed++) {
      const replicaLagMs = Math.round(dice() * 300);
      const tickMs = 200 + Math.round(dice() * 1_000);
      const scenario: Scenario = {
        ...SCENARIO,
        isolates: 40,
        dataCentres: 1 + Math.floor(dice() * 12),
        regions: 3,
        invalidationsPerSecond: Math.floor(dice() * 1_500),
        readsPerSecond: dice() < 0.3 ? Infinity : 1 + dice() * 50,
        replicaLagMs,
        network: { ...NETWORK, redis: [5, 20 + dice() * 600], slowShare: dice() * 0.3 },
        countedMs: 15_000,
        seed,
      };
      const design = {
        tickMs,
        usableMs: tickMs * dice(),
        startMs: 100 + dice() * 900,
        marginMs: dice() * 200,
        claimMs: dice() * 1_500,
        readsClaimBack: dice() < 0.5,
      };
      const bound = scenario.coherenceMs + replicaLagMs;
      expect(longestDelay(run(scenario, design)), `seed ${seed}`).toBeLessThanOrEqual(bound);
    }
  });
});
