import { describe, expect, it, vi } from "vitest";
import type { FlightShardRpc } from "../../src/durable/flight-shard.ts";
import { definePolicy } from "../../src/index.ts";
import { fakeNamespace, watchFlights } from "../support/flights.ts";
import { createWorld } from "../support/shared-world.ts";

const policy = definePolicy({ freshFor: "10m", jitter: 0, originTimeout: 200 });
/** The longest time that a flight object may take to grant a lease. */
const GRANT_MS = 1_000;
const DEADLINE_MS = 2 * 200 + 2_500;

const gone = (): never => {
  throw new Error("the object is overloaded");
};
const never = () => Promise.withResolvers<never>().promise;

const AWAY: Readonly<Record<string, FlightShardRpc>> = {
  "throw at once": { join: gone, land: gone, ping: gone },
  reject: { join: async () => gone(), land: async () => gone(), ping: async () => gone() },
  "never answer": { join: never, land: never, ping: never },
};

describe.each(Object.entries(AWAY))("flight objects that %s", (name, stub) => {
  it(`while the Durable Objects of shared loads ${name}, 40 readers in two isolates cause at most four loads, and a later read takes less than 1 s`, async () => {
    const world = await createWorld({ bindings: { FLIGHTS: fakeNamespace(() => stub) } });
    const startedAt = Date.now();
    const herd = [world.here, world.away].flatMap((isolate) =>
      Array.from({ length: 20 }, () => world.read(isolate, policy)),
    );
    for (const { value } of await Promise.all(herd)) expect(value).toBe(1);
    // One load an isolate, and one more if a follower replaced the lookup that waited in vain.
    expect(world.origin.loads).toBeLessThanOrEqual(4);
    expect(Date.now() - startedAt).toBeLessThan(DEADLINE_MS);

    // Three readers wait for a failing object. Then the breaker asks it in the background.
    const read = (id: number) =>
      world.here.request().read(`other:${id}`, policy, world.origin.load);
    await Promise.all([read(1), read(2), read(3)]);
    const later = Date.now();
    expect((await read(4)).value).toBe(1);
    expect(Date.now() - later).toBeLessThan(1_000);
  });
});

describe("a flight object that never answers", () => {
  it("if the Durable Object of shared loads hangs, readers wait 1 s for a lease, not for the policy option `originTimeout` of 10 s", async () => {
    const unhurried = definePolicy({ freshFor: "10m", jitter: 0, originTimeout: "10s" });
    const FLIGHTS = fakeNamespace(() => ({ join: never, land: never, ping: never }));
    const world = await createWorld({ bindings: { FLIGHTS } });
    const startedAt = Date.now();
    const herd = Array.from({ length: 20 }, () => world.read(world.here, unhurried));
    for (const { value } of await Promise.all(herd)) expect(value).toBe(1);
    expect(world.origin.loads).toBe(1);
    expect(Date.now() - startedAt).toBeLessThan(GRANT_MS + 2_000);
  });
});

describe("the breaker of the flight objects", () => {
  it("while the Durable Object of shared loads hangs, the breaker asks it in the background: no later reader calls it, and after its recovery readers share loads again", async () => {
    let joins = 0;
    let pings = 0;
    let hangs = true;
    const real = watchFlights();
    const FLIGHTS = fakeNamespace((...args) => {
      const stub = real.FLIGHTS.get(...args) as unknown as FlightShardRpc;
      return {
        join: (...request) => {
          joins++;
          return hangs ? never() : stub.join(...request);
        },
        land: (landing) => stub.land(landing),
        ping: () => {
          pings++;
          return hangs ? never() : stub.ping();
        },
      };
    });
    const { clock, here, origin } = await createWorld({ bindings: { FLIGHTS } });
    const read = (id: number) => here.request().read(`breaker:${id}`, policy, origin.load);
    await Promise.all([1, 2, 3].map(read));
    expect(joins).toBe(3);
    for (const id of [4, 5, 6, 7]) {
      clock.advance(6_000);
      await read(id);
    }
    expect(joins).toBe(3);
    expect(pings).toBeGreaterThan(0);

    hangs = false;
    let id = 8;
    await vi.waitFor(async () => {
      clock.advance(6_000);
      await read(id++);
      expect(joins).toBeGreaterThan(3);
    }, 5_000);
  });
});

describe("a leader that cannot hand over its result", () => {
  it("a leader that cannot hand over the result of its flight still answers its client and stores the result", async () => {
    const real = await createWorld();
    const deaf = fakeNamespace(() => ({
      join: async () => ({ role: "leader", flight: "f", lease: "l" }) as const,
      land: never,
      ping: never,
    }));
    const isolate = real.fresh(undefined, { FLIGHTS: deaf });
    expect(await real.read(isolate, policy)).toMatchObject({ status: "miss", value: 1 });
    await expect
      .poll(async () => (await real.read(real.neighbour, policy)).status, { interval: 5 })
      .toMatch(/^hit-/);
  });
});
