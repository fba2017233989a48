/** Each option of the breakers changes what the layer does. */
import { sql } from "drizzle-orm";
import { afterEach, describe, expect, it } from "vitest";
import type { BreakerState } from "../../src/core/breaker.ts";
import { MAX_CHANGES } from "../../src/core/log.ts";
import type { StrataOptions } from "../../src/index.ts";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";
import { restoreNetwork } from "../support/network.ts";

afterEach(restoreNetwork);

type BreakerOptions = NonNullable<StrataOptions["breaker"]>;

/** Opens neither by failures in a row nor by a rate, unless a test says so. */
const NEVER = { failures: 1_000, originFailures: 1_000, minCalls: 10_000 } as const;

function isolateWith(breaker: BreakerOptions): TestIsolate {
  const isolate = createTestIsolate({ namespace: uniqueNamespace(), options: { breaker } });
  isolate.clock.stop();
  return isolate;
}

/** Requests to Redis fail if `fails` says so, and take `takesMs` by the clock of the test. */
function scriptNetwork(
  isolate: TestIsolate,
  fails: (at: number) => boolean,
  takesMs = 0,
): string[] {
  const sent: string[] = [];
  globalThis.fetch = async (_input, init) => {
    sent.push(typeof init?.body === "string" ? init.body : "");
    isolate.clock.advance(takesMs);
    if (fails(sent.length)) throw new TypeError("connection refused");
    return Response.json({ result: [] });
  };
  return sent;
}

/** A request to Redis for which no reader waits: it may be the probe itself. */
async function ask({ layer, request }: TestIsolate): Promise<string> {
  const result = await layer.store.numbers(["t:a"], request().ctx);
  return result.ok ? "ok" : result.fault.code;
}

const stateOf = ({ layer }: TestIsolate): BreakerState => layer.breakers.redis.status().state;

/** The number of requests after which the breaker of Redis is open; 100 if it never is. */
async function requestsUntilOpen(isolate: TestIsolate): Promise<number> {
  for (let requests = 1; requests < 100; requests++) {
    await ask(isolate);
    if (stateOf(isolate) === "open") return requests;
  }
  return 100;
}

const always = (): boolean => true;
const everySecond = (at: number): boolean => at % 2 === 0;

describe("breaker options", () => {
  it.each([1, 2])(
    "with the option `breaker.failures` at %i, the breaker of Redis opens after this number of failed requests",
    async (failures) => {
      const isolate = isolateWith({ failures });
      scriptNetwork(isolate, always);
      expect(await requestsUntilOpen(isolate)).toBe(failures);
    },
  );

  it.each([1, 4])(
    "with the option `breaker.originFailures` at %i, the breaker of SQL opens after this number of failed queries",
    async (originFailures) => {
      const isolate = isolateWith({ originFailures });
      const sent = scriptNetwork(isolate, always);
      for (let i = 0; i < 10; i++)
        await isolate.layer.db.execute(sql`select 1 as one`).catch(() => undefined);
      expect(sent).toHaveLength(originFailures);
    },
  );

  it.each([10, 30])(
    "with the option `breaker.minCalls` at %i, the rate of failed requests decides from this number of requests on",
    async (minCalls) => {
      const isolate = isolateWith({ ...NEVER, minCalls });
      scriptNetwork(isolate, everySecond);
      expect(await requestsUntilOpen(isolate)).toBe(minCalls);
    },
  );

  it.each([
    [0.5, 10],
    [0.6, 100],
  ])(
    "with the option `breaker.failureRate` at %d, half of the requests that fail open the breaker after %i requests (100: never)",
    async (failureRate, requests) => {
      const isolate = isolateWith({ ...NEVER, minCalls: 10, failureRate });
      scriptNetwork(isolate, everySecond);
      expect(await requestsUntilOpen(isolate)).toBe(requests);
    },
  );

  it.each([
    ["1m", 10],
    ["1s", 100],
  ] as const)(
    "with the option `breaker.window` at %s, requests of one second each open the breaker after %i requests (100: never)",
    async (window, requests) => {
      const isolate = isolateWith({ ...NEVER, minCalls: 10, window });
      scriptNetwork(isolate, everySecond, 1_000);
      expect(await requestsUntilOpen(isolate)).toBe(requests);
    },
  );

  it.each([
    ["100ms", 3],
    ["500ms", 100],
  ] as const)(
    "with the option `breaker.slowRedis` at %s, requests of 200 ms each open the breaker of Redis after %i requests (100: never)",
    async (slowRedis, requests) => {
      const isolate = isolateWith({ slowRedis });
      scriptNetwork(isolate, () => false, 200);
      expect(await requestsUntilOpen(isolate)).toBe(requests);
    },
  );

  it.each([0.4, 1])(
    "with the option `breaker.slowRate` at %d, half of the requests being slow opens the breaker only if the rate is below a half",
    async (slowRate) => {
      const isolate = isolateWith({ ...NEVER, minCalls: 10, slowRedis: "100ms", slowRate });
      let takesMs = 0;
      scriptNetwork(isolate, () => {
        takesMs = takesMs === 0 ? 200 : 0;
        isolate.clock.advance(takesMs);
        return false;
      });
      expect((await requestsUntilOpen(isolate)) < 100).toBe(slowRate < 0.5);
    },
  );

  it("the option `breaker.openFor` is the time for which the breaker of Redis stays open at first, also if it is longer than `breaker.maxOpenFor`", async () => {
    const isolate = isolateWith({ failures: 1, openFor: "10s" });
    scriptNetwork(isolate, always);
    await ask(isolate);
    isolate.clock.advance(9_999);
    expect(await ask(isolate)).toBe("redis.open");
    isolate.clock.advance(1);
    expect(await ask(isolate)).toBe("redis.unavailable");
  });

  it("the option `breaker.maxOpenFor` bounds the open time, which doubles with each probe that fails", async () => {
    const isolate = isolateWith({ failures: 1, openFor: "1s", maxOpenFor: "3s" });
    scriptNetwork(isolate, always);
    await ask(isolate);
    for (const openMs of [1_000, 2_000, 3_000, 3_000]) {
      isolate.clock.advance(openMs - 1);
      expect(await ask(isolate)).toBe("redis.open");
      isolate.clock.advance(1);
      expect(await ask(isolate)).toBe("redis.unavailable");
    }
  });

  it("a sync for readers gets the fault `redis.open` while the breaker of Redis sends a `PING` in the background", async () => {
    const isolate = isolateWith({ failures: 1 });
    const sent = scriptNetwork(isolate, always);
    await ask(isolate);
    sent.length = 0;
    isolate.clock.advance(1_000);
    const { ctx } = isolate.request();
    const synced = await isolate.layer.store.sync(0, MAX_CHANGES, ctx);
    expect(synced).toMatchObject({ ok: false, fault: { code: "redis.open" } });
    await isolate.settle();
    expect(sent).toEqual(['["ping"]']);
  });
});
