import { describe, expect, it } from "vitest";
import { startDirect } from "../../../bench/cost/direct.ts";
import { longestDelay, play, SMALL, STEADY } from "./scenarios.ts";

describe("the design in which each isolate asks Redis itself, in the model of cost", () => {
  it("an isolate that is read all the time sends a sync every 801 ms, so that two isolates send 148 to 150 in 60 s", () => {
    const { tally } = play(SMALL, startDirect);
    expect(tally.redisCommands).toBeGreaterThanOrEqual(148);
    expect(tally.redisCommands).toBeLessThanOrEqual(150);
    expect(tally).toMatchObject({ waits: 0, objectRequests: 0, cacheLookups: 0 });
  });

  it("the last read without a purge is at most 801 ms after the acknowledgement if Redis is 40 ms away", () => {
    // A purge just after a sync ran at Redis: 801 ms to the next one, which takes 20 ms to Redis and 20
    // ms back. Those 20 ms back are also the way of the acknowledgement.
    const longest = longestDelay(play(SMALL, startDirect));
    expect(longest).toBeLessThanOrEqual(801);
    expect(longest).toBeGreaterThan(780);
  });

  it("a read waits in every period if Redis takes 300 ms, because 801 + 300 ms are more than coherence", () => {
    const network = { ...STEADY, redis: [300, 300] as const };
    const world = play({ ...SMALL, network }, startDirect);
    expect(Math.abs(world.tally.waits - world.tally.redisCommands)).toBeLessThanOrEqual(2);
    expect(longestDelay(world)).toBeLessThanOrEqual(SMALL.coherenceMs);
  });

  it("a sync asks twice if more than a thousand invalidations came since the last one", () => {
    const calm = play({ ...SMALL, invalidationsPerSecond: 1_000 }, startDirect).tally;
    const busy = play({ ...SMALL, invalidationsPerSecond: 1_400 }, startDirect).tally;
    expect(calm.redisRequests).toBeLessThanOrEqual(150);
    expect(busy.redisRequests).toBeGreaterThan(270);
  });

  it.each([
    // The next read comes 25 ms after a sync is due on average, or 50 ms if reads come at random.
    { reads: "regular" as const, syncs: 60_000 / (801 + 25) },
    { reads: "random" as const, syncs: 60_000 / (801 + 50) },
  ])(
    "an isolate with 20 $reads reads a second sends a sync at the first read after 800 ms",
    ({ reads, syncs }) => {
      const isolates = 50;
      const { tally } = play({ ...SMALL, isolates, readsPerSecond: 20, reads }, startDirect);
      expect(tally.redisCommands / isolates / syncs).toBeGreaterThan(0.99);
      expect(tally.redisCommands / isolates / syncs).toBeLessThan(1.01);
    },
  );

  it("two runs of one seed count the same", () => {
    expect(play(SMALL, startDirect).tally).toEqual(play(SMALL, startDirect).tally);
  });
});
