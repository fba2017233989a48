import { describe, expect, it } from "vitest";
import type { FlightResult } from "../../src/core/flight-port.ts";
import { createFlightHarness, entryLanding, flightOf, leaseOf } from "./flight-harness.ts";

const failure: FlightResult = {
  kind: "failed",
  fault: { code: "origin.unavailable", message: "down" },
};

describe("a flight", () => {
  it("is led by the first to come; the others get what the leader lands", async () => {
    const tower = createFlightHarness();
    const leader = await tower.join();
    await tower.advance(10);
    const followers = [await tower.join(), await tower.join()];
    expect(followers.map(({ answer }) => answer)).toEqual([undefined, undefined]);

    await tower.land(leaseOf(leader), entryLanding("value"));
    for (const { answer } of followers) {
      expect(answer).toEqual({
        role: "follower",
        flight: flightOf(leader),
        beganAgoMs: 10,
        landing: entryLanding("value"),
      });
    }
  });

  it("is one of each key", async () => {
    const tower = createFlightHarness();
    const [one, other] = [await tower.join({ key: "k:1" }), await tower.join({ key: "k:2" })];
    expect([one.answer?.role, other.answer?.role]).toEqual(["leader", "leader"]);
    await tower.land(leaseOf(one), entryLanding("v"), "k:2");
    expect((await tower.join({ key: "k:2" })).answer).toBeUndefined();
  });

  it("gives those who come late what has just landed, and then no more", async () => {
    const tower = createFlightHarness(50);
    await tower.land(leaseOf(await tower.join()), entryLanding("value"));
    await tower.advance(49);
    expect((await tower.join()).answer).toMatchObject({
      role: "follower",
      beganAgoMs: 49,
      landing: entryLanding("value"),
    });
    await tower.advance(1);
    expect((await tower.join()).answer?.role).toBe("leader");
  });

  it("is forgotten when it has lingered", async () => {
    const tower = createFlightHarness();
    await tower.land(leaseOf(await tower.join()));
    expect(tower.flights.size).toBe(1);
    await tower.advance(50);
    expect(tower.flights.size).toBe(0);
    expect(tower.timers()).toBe(0);
  });

  it.each<FlightResult>([failure, { kind: "uncacheable" }])(
    "that ends with %o tells those who wait, and nobody who comes later",
    async (landing) => {
      const tower = createFlightHarness();
      const leader = await tower.join();
      const follower = await tower.join();
      await tower.land(leaseOf(leader), landing);
      expect(follower.answer).toMatchObject({ role: "follower", landing });
      expect((await tower.join()).answer?.role).toBe("leader");
    },
  );

  it("whose result did not hold is followed by one next flight, which all such readers share", async () => {
    const tower = createFlightHarness();
    const leader = await tower.join();
    const after = flightOf(leader);
    await tower.land(leaseOf(leader), entryLanding("old"));
    const next = await tower.join({ after });
    const others = [await tower.join({ after }), await tower.join()];
    expect(next.answer?.role).toBe("leader");
    expect(flightOf(next)).not.toBe(after);
    await tower.land(leaseOf(next), entryLanding("new"));
    for (const { answer } of others)
      expect(answer).toMatchObject({ role: "follower", landing: entryLanding("new") });
  });

  it("has one flight queued behind it for those whom it will not satisfy", async () => {
    const tower = createFlightHarness();
    const leader = await tower.join();
    const after = flightOf(leader);
    const follower = await tower.join();
    const queued = [await tower.join({ after }), await tower.join({ after })];

    await tower.land(leaseOf(leader), entryLanding("first"));
    expect(follower.answer).toMatchObject({ landing: entryLanding("first") });
    expect(queued.map(({ answer }) => answer?.role)).toEqual(["leader", undefined]);
    await tower.land(leaseOf(queued[0]!), entryLanding("second"));
    expect(queued[1]?.answer).toMatchObject({ landing: entryLanding("second") });
  });
});

describe("a lease", () => {
  it("that has run out goes to the next who waits", async () => {
    const tower = createFlightHarness();
    const dead = await tower.join({ leaseMs: 100 });
    const next = await tower.join({ waitMs: 500 });
    const last = await tower.join({ waitMs: 500 });
    await tower.advance(99);
    expect(next.answer).toBeUndefined();
    await tower.advance(1);
    expect(next.answer?.role).toBe("leader");
    expect(flightOf(next)).not.toBe(flightOf(dead));
    expect(last.answer).toBeUndefined();

    await tower.land(leaseOf(next), entryLanding("value"));
    // It joined before this flight began: what it gets is newer than it asked for.
    expect(last.answer).toMatchObject({ beganAgoMs: -100, landing: entryLanding("value") });
  });

  it("that was lost says nothing any more, however late its result lands", async () => {
    const tower = createFlightHarness();
    const slow = await tower.join({ leaseMs: 100 });
    const next = await tower.join({ waitMs: 500 });
    await tower.advance(100);
    const follower = await tower.join();

    await tower.land(leaseOf(slow), entryLanding("too late"));
    expect(follower.answer).toBeUndefined();
    await tower.land(leaseOf(next), entryLanding("value"));
    expect(follower.answer).toMatchObject({ landing: entryLanding("value") });
    await tower.land(leaseOf(slow), entryLanding("too late"));
    expect((await tower.join()).answer).toMatchObject({ landing: entryLanding("value") });
  });

  it("that was lost with nobody waiting is no flight any more", async () => {
    const tower = createFlightHarness();
    const slow = await tower.join({ leaseMs: 100 });
    await tower.advance(100);
    expect(tower.flights.size).toBe(0);
    await tower.land(leaseOf(slow), entryLanding("too late"));
    expect((await tower.join()).answer?.role).toBe("leader");
  });

  it("does not go to one who has stopped waiting", async () => {
    const tower = createFlightHarness();
    await tower.join({ leaseMs: 100 });
    const gone = await tower.join({ waitMs: 99 });
    const patient = await tower.join({ waitMs: 101 });
    for (let ms = 0; ms < 100; ms++) await tower.advance(1);
    expect(gone.answer).toEqual({ role: "late" });
    expect(gone.answeredAt - gone.joinedAt).toBe(99);
    expect(patient.answer?.role).toBe("leader");
  });

  it("keeps nobody for longer than they would wait, however often it changes hands", async () => {
    const tower = createFlightHarness();
    await tower.join({ leaseMs: 100 });
    const waiting = [
      await tower.join({ waitMs: 150, leaseMs: 100 }),
      await tower.join({ waitMs: 150 }),
      await tower.join({ waitMs: 220 }),
    ];
    for (let ms = 0; ms < 300; ms++) await tower.advance(1);
    const roles = waiting.map(({ answer }) => answer?.role);
    expect(roles).toEqual(["leader", "late", "leader"]);
    expect(waiting.map(({ answeredAt, joinedAt }) => answeredAt - joinedAt)).toEqual([
      100, 150, 200,
    ]);
    expect(tower.timers()).toBe(0);
  });

  it("lands once", async () => {
    const tower = createFlightHarness();
    const leader = await tower.join();
    await tower.land(leaseOf(leader), entryLanding("first"));
    await tower.land(leaseOf(leader), entryLanding("second"));
    expect((await tower.join()).answer).toMatchObject({ landing: entryLanding("first") });
  });

  it.each(["", "id-1", "someone-else's"])(
    "that was never granted (%j) lands nothing",
    async (lease) => {
      const tower = createFlightHarness();
      await tower.join();
      const follower = await tower.join();
      await tower.land(lease);
      await tower.land(lease, entryLanding("v"), "k:never");
      expect(follower.answer).toBeUndefined();
    },
  );

  it("of a queued flight runs from when it begins", async () => {
    const tower = createFlightHarness();
    const leader = await tower.join({ leaseMs: 100 });
    const queued = await tower.join({ after: flightOf(leader), waitMs: 500 });
    const last = await tower.join({ after: flightOf(leader), waitMs: 500 });
    await tower.advance(90);
    await tower.land(leaseOf(leader));
    expect(queued.answer?.role).toBe("leader");
    await tower.advance(99);
    expect(last.answer).toBeUndefined();
    await tower.advance(1);
    expect(last.answer?.role).toBe("leader");
  });
});
