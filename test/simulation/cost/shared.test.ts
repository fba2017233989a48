import { describe, expect, it } from "vitest";
import { NETWORK } from "../../../bench/cost/network.ts";
import { SCENARIO, type Scenario } from "../../../bench/cost/scenario.ts";
import { SHARED, type SharedDesign } from "../../../bench/cost/shared-design.ts";
import { startShared } from "../../../bench/cost/shared.ts";
import { createDice } from "../../../bench/support/dice.ts";
import { longestDelay, play, SMALL, STEADY } from "./scenarios.ts";

const run = (scenario: Scenario, design: Partial<SharedDesign> = {}) =>
  play(scenario, (world) => startShared(world, { ...SHARED, ...design }));

describe("the design in which data centres and regions share syncs, in the model of cost", () => {
  it("two isolates of one data centre cost one Redis command every 550 ms, a question to the object for each, and a session every 8 s", () => {
    // The leader's question arrives 500 to 530 ms after the last one to Redis, and waits for the tick.
    const { tally } = run(SMALL);
    expect(Math.abs(tally.redisCommands - 60_000 / SHARED.tickMs)).toBeLessThanOrEqual(1);
    expect(Math.abs(tally.objectQuestions - tally.redisCommands)).toBeLessThanOrEqual(1);
    expect(tally.objectRequests).toBeGreaterThanOrEqual(7);
    expect(tally.objectRequests).toBeLessThanOrEqual(9);
    expect(tally).toMatchObject({ waits: 0, directSyncs: 0 });
  });

  it("without terms, each question to the object is a request of its own", () => {
    const { tally } = run(SMALL, { termMs: 0 });
    expect(tally.objectRequests).toBe(tally.objectQuestions);
    expect(tally.objectRequests).toBeGreaterThan(100);
  });

  it("a leader without reads ends its term after one more round", () => {
    const busy = run(SMALL).tally;
    const idle = run({ ...SMALL, readsPerSecond: 0.5 }).tally;
    expect(idle.objectQuestions).toBeLessThan(busy.objectQuestions / 4);
  });

  it("30 data centres of one region send no more Redis commands than the ticks of its object, and 3 regions three times as many", () => {
    const many = { ...SMALL, isolates: 60, dataCentres: 30 };
    const one = run({ ...many, regions: 1 }).tally;
    const three = run({ ...many, regions: 3 }).tally;
    expect(one.redisCommands).toBeGreaterThan(80);
    expect(one.redisCommands).toBeLessThanOrEqual(60_000 / SHARED.tickMs);
    expect(three.redisCommands / one.redisCommands).toBeGreaterThan(2.7);
    expect(one.objectQuestions).toBeGreaterThan(30 * 80);
    expect(one.objectRequests).toBeLessThan(30 * 20);
    expect(one.directSyncs).toBe(0);
  });

  it("isolates ask Redis directly, and no read misses a purge for longer than coherence, if the object takes longer than a view lasts", () => {
    const network = { ...STEADY, object: [1_200, 1_200] as const };
    const world = run({ ...SMALL, network });
    expect(world.tally.directSyncs).toBeGreaterThan(50);
    expect(longestDelay(world)).toBeLessThanOrEqual(SMALL.coherenceMs);
  });

  it("a claim keeps most isolates of a data centre from asking the object", () => {
    const crowd = { ...SCENARIO, isolates: 100, dataCentres: 4, countedMs: 20_000 };
    const claimed = run(crowd, { termMs: 0 }).tally.objectRequests;
    // All of them sync at the same age of their views.
    const all = { claimMs: 0, leaderPart: SHARED.followerPart, termMs: 0 };
    const free = run(crowd, all).tally.objectRequests;
    expect(claimed).toBeLessThan(free / 2);
  });

  it("an object that repeats a slow poll leaves fewer isolates without a share than an object that waits for it", () => {
    // A slow hop to the object is quick enough, and a slow poll is not.
    const network = { ...NETWORK, object: [5, 10] as const, slowShare: 0.05, slowFactor: 6 };
    const slow = { ...SCENARIO, isolates: 100, dataCentres: 20, network, countedMs: 20_000 };
    const waits = run(slow, { repeatPollMs: Infinity }).tally.directSyncs;
    const repeats = run(slow, { repeatPollMs: 110 }).tally.directSyncs;
    expect(repeats).toBeLessThan(waits / 2);
  });

  it("no read misses a purge for longer than coherence and replica lag, under random tunings of a slow network", () => {
    const dice = createDice(7);
    for (let seed = 0; seed < 25; seed++) {
      const replicaLagMs = Math.round(dice() * 300);
      const tickMs = 200 + Math.round(dice() * 1_000);
      const scenario: Scenario = {
        ...SCENARIO,
        isolates: 25,
        dataCentres: 1 + Math.floor(dice() * 12),
        regions: 3,
        invalidationsPerSecond: Math.floor(dice() * 1_500),
        readsPerSecond: dice() < 0.3 ? Infinity : 1 + dice() * 50,
        replicaLagMs,
        network: { ...NETWORK, redis: [5, 20 + dice() * 600], slowShare: dice() * 0.3 },
        countedMs: 10_000,
        seed,
      };
      const design = {
        tickMs,
        recentMs: tickMs * dice(),
        repeatPollMs: dice() < 0.5 ? Infinity : 20 + dice() * 200,
        marginMs: dice() * 200,
        leaderPart: 0.2 + dice() * 0.7,
        followerPart: 0.2 + dice() * 0.7,
        giveUpPart: 0.7 + dice() * 0.3,
        lookAgainMs: 10 + dice() * 100,
        claimMs: dice() * 1_500,
        termMs: dice() * 5_000,
      };
      const bound = scenario.coherenceMs + replicaLagMs;
      expect(longestDelay(run(scenario, design)), `seed ${seed}`).toBeLessThanOrEqual(bound);
    }
  });
});
