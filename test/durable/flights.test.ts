import { describe, expect, it } from "vitest";
import type { FlightResult } from "../../src/core/flight-port.ts";
import {
  createFlightHarness,
  entryLanding,
  flightOf,
  leaseOf,
  type FlightHarness,
} from "./flight-harness.ts";

const failure: FlightResult = {
  kind: "failed",
  fault: { code: "origin.unavailable", message: "down" },
};

describe("a flight", () => {
  it("the first reader leads a shared load, and the other readers get the result of the leader", async () => {
    const harness = createFlightHarness();
    const leader = await harness.join();
    await harness.advance(10);
    const followers = [await harness.join(), await harness.join()];
    expect(followers.map(({ answer }) => answer)).toEqual([undefined, undefined]);

    await harness.land(leaseOf(leader), entryLanding("value"));
    for (const { answer } of followers) {
      expect(answer).toEqual({
        role: "follower",
        flight: flightOf(leader),
        beganAgoMs: 10,
        landing: entryLanding("value"),
      });
    }
  });

  it("each key has a shared load of its own", async () => {
    const harness = createFlightHarness();
    const [one, other] = [await harness.join({ key: "k:1" }), await harness.join({ key: "k:2" })];
    expect([one.answer?.role, other.answer?.role]).toEqual(["leader", "leader"]);
    await harness.land(leaseOf(one), entryLanding("v"), "k:2");
    expect((await harness.join({ key: "k:2" })).answer).toBeUndefined();
  });

  it("readers that join a shared load within `lingerMs` after its result get this result", async () => {
    const harness = createFlightHarness(50);
    await harness.land(leaseOf(await harness.join()), entryLanding("value"));
    await harness.advance(49);
    expect((await harness.join()).answer).toMatchObject({
      role: "follower",
      beganAgoMs: 49,
      landing: entryLanding("value"),
    });
    await harness.advance(1);
    expect((await harness.join()).answer?.role).toBe("leader");
  });

  it("a shared load is removed from memory `lingerMs` after its result arrived", async () => {
    const harness = createFlightHarness();
    await harness.land(leaseOf(await harness.join()));
    expect(harness.flights.size).toBe(1);
    await harness.advance(50);
    expect(harness.flights.size).toBe(0);
    expect(harness.timers()).toBe(0);
  });

  it.each<FlightResult>([failure, { kind: "uncacheable" }])(
    "the followers of a shared load get the result %o, and a later reader starts a new load",
    async (landing) => {
      const harness = createFlightHarness();
      const leader = await harness.join();
      const follower = await harness.join();
      await harness.land(leaseOf(leader), landing);
      expect(follower.answer).toMatchObject({ role: "follower", landing });
      expect((await harness.join()).answer?.role).toBe("leader");
    },
  );

  it("readers that cannot use the result of a finished shared load share one next load", async () => {
    const harness = createFlightHarness();
    const leader = await harness.join();
    const after = flightOf(leader);
    await harness.land(leaseOf(leader), entryLanding("old"));
    const next = await harness.join({ after });
    const others = [await harness.join({ after }), await harness.join()];
    expect(next.answer?.role).toBe("leader");
    expect(flightOf(next)).not.toBe(after);
    await harness.land(leaseOf(next), entryLanding("new"));
    for (const { answer } of others)
      expect(answer).toMatchObject({ role: "follower", landing: entryLanding("new") });
  });

  it("readers that cannot use the result of the running shared load are queued for one next shared load", async () => {
    const harness = createFlightHarness();
    const leader = await harness.join();
    const after = flightOf(leader);
    const follower = await harness.join();
    const queued = [await harness.join({ after }), await harness.join({ after })];

    await harness.land(leaseOf(leader), entryLanding("first"));
    expect(follower.answer).toMatchObject({ landing: entryLanding("first") });
    expect(queued.map(({ answer }) => answer?.role)).toEqual(["leader", undefined]);
    await harness.land(leaseOf(queued[0]!), entryLanding("second"));
    expect(queued[1]?.answer).toMatchObject({ landing: entryLanding("second") });
  });
});

describe("the results that a flight object keeps", () => {
  /** The bytes of a result of this length under a key of 3 characters. */
  const bytesOf = (chars: number) => 2 * (chars + 3);
  const keys = (count: number) => Array.from({ length: count }, (_, i) => `k:${i}`);

  async function landed(harness: FlightHarness, key: string, chars: number) {
    await harness.land(leaseOf(await harness.join({ key })), entryLanding("x".repeat(chars)), key);
  }

  it("a flight object keeps at most `maxKeptBytes` of results, and gives up the results that arrived first", async () => {
    const harness = createFlightHarness(50, 3 * bytesOf(1_000));
    for (const [i, key] of keys(10).entries()) {
      await landed(harness, key, 1_000);
      expect(harness.flights.keptBytes).toBe(Math.min(i + 1, 3) * bytesOf(1_000));
    }
    const roles: unknown[] = [];
    for (const key of keys(10)) roles.push((await harness.join({ key })).answer?.role);
    expect(roles).toEqual([...Array(7).fill("leader"), ...Array(3).fill("follower")]);
  });

  it("a result over `maxKeptBytes` goes to its followers and is not kept, and the results of other keys stay", async () => {
    const harness = createFlightHarness(50, bytesOf(1_000));
    await landed(harness, "k:0", 900);
    const leader = await harness.join({ key: "k:1" });
    const follower = await harness.join({ key: "k:1" });
    const big = entryLanding("x".repeat(1_001));
    await harness.land(leaseOf(leader), big, "k:1");
    expect(follower.answer).toMatchObject({ role: "follower", landing: big });
    expect(harness.flights.keptBytes).toBe(bytesOf(900));
    expect((await harness.join({ key: "k:1" })).answer?.role).toBe("leader");
    expect((await harness.join({ key: "k:0" })).answer?.role).toBe("follower");
  });

  it("a flight object counts no bytes for a result whose `lingerMs` is over or that a new load replaces", async () => {
    const harness = createFlightHarness();
    await landed(harness, "k:0", 100);
    await harness.join({ key: "k:0", after: flightOf(await harness.join({ key: "k:0" })) });
    expect(harness.flights.keptBytes).toBe(0);
    await landed(harness, "k:1", 100);
    expect(harness.flights.keptBytes).toBe(bytesOf(100));
    await harness.advance(50);
    expect(harness.flights.keptBytes).toBe(0);
  });
});

describe("a lease", () => {
  it("an expired lease of a shared load goes to the first reader that waits", async () => {
    const harness = createFlightHarness();
    const expired = await harness.join({ leaseMs: 100 });
    const next = await harness.join({ waitMs: 500 });
    const last = await harness.join({ waitMs: 500 });
    await harness.advance(99);
    expect(next.answer).toBeUndefined();
    await harness.advance(1);
    expect(next.answer?.role).toBe("leader");
    expect(flightOf(next)).not.toBe(flightOf(expired));
    expect(last.answer).toBeUndefined();

    await harness.land(leaseOf(next), entryLanding("value"));
    // It joined before this flight began, so the result is newer than it needed.
    expect(last.answer).toMatchObject({ beganAgoMs: -100, landing: entryLanding("value") });
  });

  it("a result that a leader sends under an expired lease of a shared load is ignored", async () => {
    const harness = createFlightHarness();
    const slow = await harness.join({ leaseMs: 100 });
    const next = await harness.join({ waitMs: 500 });
    await harness.advance(100);
    const follower = await harness.join();

    await harness.land(leaseOf(slow), entryLanding("too late"));
    expect(follower.answer).toBeUndefined();
    await harness.land(leaseOf(next), entryLanding("value"));
    expect(follower.answer).toMatchObject({ landing: entryLanding("value") });
    await harness.land(leaseOf(slow), entryLanding("too late"));
    expect((await harness.join()).answer).toMatchObject({ landing: entryLanding("value") });
  });

  it("a shared load is removed from memory if the lease expires and no reader waits", async () => {
    const harness = createFlightHarness();
    const slow = await harness.join({ leaseMs: 100 });
    await harness.advance(100);
    expect(harness.flights.size).toBe(0);
    await harness.land(leaseOf(slow), entryLanding("too late"));
    expect((await harness.join()).answer?.role).toBe("leader");
  });

  it("an expired lease of a shared load does not go to a reader whose wait is over", async () => {
    const harness = createFlightHarness();
    await harness.join({ leaseMs: 100 });
    const gone = await harness.join({ waitMs: 99 });
    const patient = await harness.join({ waitMs: 101 });
    for (let ms = 0; ms < 100; ms++) await harness.advance(1);
    expect(gone.answer).toEqual({ role: "late" });
    expect(gone.answeredAt - gone.joinedAt).toBe(99);
    expect(patient.answer?.role).toBe("leader");
  });

  it("no reader waits longer than its `waitMs` for a shared load, however often the lease expires", async () => {
    const harness = createFlightHarness();
    await harness.join({ leaseMs: 100 });
    const waiting = [
      await harness.join({ waitMs: 150, leaseMs: 100 }),
      await harness.join({ waitMs: 150 }),
      await harness.join({ waitMs: 220 }),
    ];
    for (let ms = 0; ms < 300; ms++) await harness.advance(1);
    const roles = waiting.map(({ answer }) => answer?.role);
    expect(roles).toEqual(["leader", "late", "leader"]);
    expect(waiting.map(({ answeredAt, joinedAt }) => answeredAt - joinedAt)).toEqual([
      100, 150, 200,
    ]);
    expect(harness.timers()).toBe(0);
  });

  it("a second result that a leader sends under one lease of a shared load is ignored", async () => {
    const harness = createFlightHarness();
    const leader = await harness.join();
    await harness.land(leaseOf(leader), entryLanding("first"));
    await harness.land(leaseOf(leader), entryLanding("second"));
    expect((await harness.join()).answer).toMatchObject({ landing: entryLanding("first") });
  });

  it.each(["", "id-1", "someone-else's"])(
    "a result for a shared load under a lease that was never granted (%j) is ignored",
    async (lease) => {
      const harness = createFlightHarness();
      await harness.join();
      const follower = await harness.join();
      await harness.land(lease);
      await harness.land(lease, entryLanding("v"), "k:never");
      expect(follower.answer).toBeUndefined();
    },
  );

  it("the lease of a queued shared load begins when this load begins", async () => {
    const harness = createFlightHarness();
    const leader = await harness.join({ leaseMs: 100 });
    const queued = await harness.join({ after: flightOf(leader), waitMs: 500 });
    const last = await harness.join({ after: flightOf(leader), waitMs: 500 });
    await harness.advance(90);
    await harness.land(leaseOf(leader));
    expect(queued.answer?.role).toBe("leader");
    await harness.advance(99);
    expect(last.answer).toBeUndefined();
    await harness.advance(1);
    expect(last.answer?.role).toBe("leader");
  });
});
