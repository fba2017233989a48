import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { JoinRequest } from "../../src/core/ports.ts";
import { createFlightPort, type FlightPortOptions } from "../../src/durable/flight-port.ts";
import type { FlightShardRpc } from "../../src/durable/flight-shard.ts";
import { within } from "../../src/resilience/deadline.ts";
import { createTestContext } from "../support/context.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { valueOf } from "../redis/stores.ts";
import { entryLanding } from "./tower.ts";

const realStub = (name: string): FlightShardRpc =>
  env.FLIGHTS.get(env.FLIGHTS.idFromName(name)) as unknown as FlightShardRpc;

const portOf = (options: Partial<FlightPortOptions> = {}) =>
  createFlightPort({
    stub: realStub,
    namespace: uniqueNamespace(),
    shards: 4,
    slackMs: 5_000,
    within,
    ...options,
  });

const request = (fields: Partial<JoinRequest> = {}): JoinRequest => ({
  key: "k:1",
  waitMs: 5_000,
  leaseMs: 5_000,
  ...fields,
});

const ctx = createTestContext({ region: "eu" });

describe("the flight objects", () => {
  it("grant one lease a key, and hand what has landed to whoever comes", async () => {
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

  it("give a lease that has run out to the next", async () => {
    const port = portOf();
    await port.join("region", request({ leaseMs: 20 }), ctx);
    const next = valueOf(await port.join("region", request(), ctx));
    expect(next.role).toBe("leader");
  });

  it("are of one region, one namespace and one key; the global ones of every region", async () => {
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

  it("share the keys among them, the same key always going to the same one", async () => {
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

describe("a flight object that cannot be reached", () => {
  const never = new Promise<never>(() => undefined);
  const join = (options: Partial<FlightPortOptions>) =>
    portOf(options).join("region", request({ waitMs: 1 }), ctx);
  const land = (options: Partial<FlightPortOptions>) =>
    portOf(options).land("region", { key: "k:1", lease: "l", landing: entryLanding("v") }, ctx);

  it.each([
    ["join", join],
    ["land", land],
  ])("is a fault of %s, never an exception", async (_, call) => {
    const unavailable = { ok: false, fault: { code: "flight.unavailable", message: "gone" } };
    const gone = (): Promise<never> => Promise.reject(new Error("gone"));
    expect(await call({ stub: () => ({ join: gone, land: gone }) })).toEqual(unavailable);
    const stub = (): never => {
      throw new Error("gone");
    };
    expect(await call({ stub })).toEqual(unavailable);
  });

  it.each([
    ["join", join],
    ["land", land],
  ])("is waited for by %s no longer than asked, and a little", async (_, call) => {
    const hanging = { join: () => never, land: () => never };
    expect(await call({ stub: () => hanging, slackMs: 1 })).toMatchObject({
      ok: false,
      fault: { code: "flight.timeout" },
    });
  });

  it("is asked through a new stub each time: one that failed stays broken", async () => {
    let stubs = 0;
    const port = portOf({
      stub: () => {
        stubs++;
        return { join: () => Promise.reject(new Error("gone")), land: () => Promise.resolve() };
      },
    });
    await port.join("region", request(), ctx);
    await port.join("region", request(), ctx);
    expect(stubs).toBe(2);
  });
});
