import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { JoinRequest } from "../../src/core/flight-port.ts";
import { createFlightPort, type FlightPortOptions } from "../../src/durable/flight-port.ts";
import type { FlightShardRpc } from "../../src/durable/flight-shard.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createTestContext } from "../support/context.ts";
import { createGate } from "../support/gate.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { valueOf } from "../redis/stores.ts";
import { entryLanding } from "./flight-harness.ts";

const realStub = (name: string): FlightShardRpc =>
  env.FLIGHTS.get(env.FLIGHTS.idFromName(name)) as unknown as FlightShardRpc;

const portOf = (options: Partial<FlightPortOptions> = {}) =>
  createFlightPort({
    stub: realStub,
    namespace: uniqueNamespace(),
    shards: 4,
    grantMs: 5_000,
    slackMs: 5_000,
    withTimeout,
    ...options,
  });

const request = (fields: Partial<JoinRequest> = {}): JoinRequest => ({
  key: "k:1",
  waitMs: 5_000,
  leaseMs: 5_000,
  ...fields,
});

const ctx = createTestContext({ region: "eu" });

describe("the flight port over real flight objects", () => {
  it("the Durable Object of shared loads grants one lease for a key and gives the result of the leader to followers", async () => {
    const port = portOf();
    const first = valueOf(await port.join("region", request(), ctx));
    if (first.role !== "leader") throw new Error("the first must lead");
    const second = port.join("region", request(), ctx);
    const { lease } = first;
    valueOf(await port.land("region", { key: "k:1", lease, landing: entryLanding("v") }, ctx));
    const follower = valueOf(await second);
    expect(follower).toMatchObject({
      role: "follower",
      flight: first.flight,
      landing: entryLanding("v"),
    });
    expect(valueOf(await port.join("region", request(), ctx))).toMatchObject({ role: "follower" });
    const { flight: after } = first;
    expect(valueOf(await port.join("region", request({ after }), ctx)).role).toBe("leader");
  });

  it("an expired lease of a shared load goes to the next reader", async () => {
    const port = portOf();
    await port.join("region", request({ leaseMs: 20 }), ctx);
    const next = valueOf(await port.join("region", request(), ctx));
    expect(next.role).toBe("leader");
  });

  it("loads are shared only within one key, namespace and region, and loads with `flight: global` are shared by all regions", async () => {
    const namespace = uniqueNamespace();
    const [port, elsewhere] = [portOf({ namespace }), portOf()];
    const far = createTestContext({ region: "us" });
    const leads = async (...join: Parameters<typeof port.join>): Promise<string> =>
      valueOf(await port.join(...join)).role;

    expect(await leads("region", request(), ctx)).toBe("leader");
    expect(await leads("region", request(), far)).toBe("leader");
    expect(await leads("region", request({ key: "k:2" }), ctx)).toBe("leader");
    expect(valueOf(await elsewhere.join("region", request(), ctx)).role).toBe("leader");

    const leader = valueOf(await port.join("global", request(), ctx));
    if (leader.role !== "leader") throw new Error("the first must lead");
    const { lease } = leader;
    const follower = port.join("global", request(), far);
    await port.land("global", { key: "k:1", lease, landing: entryLanding("v") }, ctx);
    expect(valueOf(await follower).role).toBe("follower");
  });

  it("the keys of shared loads are spread over all Durable Objects of a region, and a key always has the same Durable Object", async () => {
    const names: string[] = [];
    const port = portOf({
      namespace: "n",
      stub: (name) => {
        names.push(name);
        return realStub(`${uniqueNamespace()}${name}`);
      },
    });
    for (let i = 0; i < 64; i++)
      await port.join("region", request({ key: `product:${i % 32}`, leaseMs: 1 }), ctx);
    expect(new Set(names)).toEqual(new Set([0, 1, 2, 3].map((n) => `n-region-eu-${n}`)));
    expect(names.slice(0, 32)).toEqual(names.slice(32));
  });
});

describe("the flight port without its object", () => {
  const never = new Promise<never>(() => undefined);
  const join = (options: Partial<FlightPortOptions>) =>
    portOf(options).join("region", request({ waitMs: 1 }), ctx);
  const land = (options: Partial<FlightPortOptions>) =>
    portOf(options).land("region", { key: "k:1", lease: "l", landing: entryLanding("v") }, ctx);

  it.each([
    ["join", join],
    ["land", land],
  ])(
    "if the Durable Object of shared loads throws, the flight method %s() returns the error code `flight.unavailable`",
    async (_, call) => {
      const unavailable = { ok: false, fault: { code: "flight.unavailable", message: "gone" } };
      const gone = (): Promise<never> => Promise.reject(new Error("gone"));
      expect(await call({ stub: () => ({ join: gone, land: gone, ping: gone }) })).toEqual(
        unavailable,
      );
      const stub = (): never => {
        throw new Error("gone");
      };
      expect(await call({ stub })).toEqual(unavailable);
    },
  );

  it.each([
    ["join", join],
    ["land", land],
  ])(
    "the flight method %s() returns the error code `flight.timeout` if the Durable Object of shared loads never answers",
    async (_, call) => {
      const hanging = { join: () => never, land: () => never, ping: () => never };
      expect(await call({ stub: () => hanging, grantMs: 1, slackMs: 1 })).toMatchObject({
        ok: false,
        fault: { code: "flight.timeout" },
      });
    },
  );

  it("the flight method join() returns the error code `flight.timeout` after `waitMs` if the Durable Object reported a wait and then does not answer", async () => {
    const stub = (): FlightShardRpc => ({
      join: (_, onWait) => {
        onWait();
        return never;
      },
      land: () => never,
      ping: () => never,
    });
    expect(await join({ stub, slackMs: 1 })).toMatchObject({
      ok: false,
      fault: { code: "flight.timeout" },
    });
  });

  it("every call to the Durable Object of shared loads has a new stub, since a stub stays broken after an error", async () => {
    let stubs = 0;
    const port = portOf({
      stub: () => {
        stubs++;
        return {
          join: () => Promise.reject(new Error("gone")),
          land: () => Promise.resolve(),
          ping: () => Promise.resolve(),
        };
      },
    });
    await port.join("region", request(), ctx);
    await port.join("region", request(), ctx);
    expect(stubs).toBe(2);
  });
});

describe("the deadline for a lease", () => {
  /** Real objects; the first join reaches them when the gate opens. */
  function slowOnce() {
    const gate = createGate();
    const namespace = uniqueNamespace();
    let first = true;
    const port = portOf({
      namespace,
      grantMs: 200,
      stub: (name) => {
        const real = realStub(name);
        if (!first) return real;
        first = false;
        return {
          join: async (...args) => {
            await gate.pass();
            return real.join(...args);
          },
          land: (landing) => real.land(landing),
          ping: () => real.ping(),
        };
      },
    });
    return { port, gate };
  }

  it("a reader gets the error code `flight.timeout` if its lease of a shared load comes too late, and the next reader gets the lease", async () => {
    const reader = createTestContext({ region: "eu" });
    const { port, gate } = slowOnce();
    // The lease lasts longer than the test.
    const late = request({ leaseMs: 60_000 });
    expect(await port.join("region", late, reader)).toMatchObject({
      ok: false,
      fault: { code: "flight.timeout" },
    });
    gate.open();
    await reader.settle();
    const next = await port.join("region", request(), ctx);
    expect(valueOf(next).role).toBe("leader");
  });

  it("a lease that the next flight grants to a queued reader after its wait has ended goes back, so that the next reader leads", async () => {
    const reader = createTestContext({ region: "eu" });
    const namespace = uniqueNamespace();
    const gate = createGate();
    // The object reports the wait at once. Its answer arrives after the reader has stopped to wait.
    const port = portOf({
      namespace,
      slackMs: 1,
      stub: (name) => {
        const real = realStub(name);
        return {
          join: async (asked, onWait) => {
            onWait();
            const answer = await real.join(asked, () => undefined);
            await gate.pass();
            return answer;
          },
          land: (landing) => real.land(landing),
          ping: () => real.ping(),
        };
      },
    });
    // The lease lasts longer than the test.
    const late = request({ waitMs: 20, leaseMs: 60_000 });
    expect(await port.join("region", late, reader)).toMatchObject({
      ok: false,
      fault: { code: "flight.timeout" },
    });
    gate.open();
    await reader.settle();
    const next = await portOf({ namespace }).join("region", request({ waitMs: 500 }), ctx);
    expect(valueOf(next).role).toBe("leader");
  });

  it("a follower of a shared load waits longer than the deadline for a lease without an error", async () => {
    const namespace = uniqueNamespace();
    const leader = valueOf(await portOf({ namespace }).join("region", request(), ctx));
    if (leader.role !== "leader") throw new Error("the first must lead");
    const port = portOf({ namespace, grantMs: 1_000 });
    const follower = port.join("region", request(), ctx);
    // Longer than grantMs.
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    const landing = { key: "k:1", lease: leader.lease, landing: entryLanding("v") };
    valueOf(await port.land("region", landing, ctx));
    expect(valueOf(await follower)).toMatchObject({ role: "follower" });
  });

  it("a reader queued for the next shared load waits longer than the deadline for a lease", async () => {
    const namespace = uniqueNamespace();
    const first = valueOf(await portOf({ namespace }).join("region", request(), ctx));
    if (first.role !== "leader") throw new Error("the first must lead");
    const port = portOf({ namespace, grantMs: 1_000 });
    const queued = port.join("region", request({ after: first.flight }), ctx);
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    const landing = { key: "k:1", lease: first.lease, landing: entryLanding("v") };
    valueOf(await port.land("region", landing, ctx));
    expect(valueOf(await queued).role).toBe("leader");
  });
});
