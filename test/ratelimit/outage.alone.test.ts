/** Limits while Redis fails, hangs or breaks off, and after it has recovered. */
import { afterEach, describe, expect, it } from "vitest";
import { cached } from "../../src/index.ts";
import { createTestContext } from "../support/context.ts";
import { clearFaults, failRedis } from "../support/gateway.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { createLimitedApp, createRedisAloneApp, statuses, type LimitedApp } from "./app.ts";

const ip = "192.0.2.1";

afterEach(clearFaults);

function appOf(
  mode: "strict" | "fast",
  onUnavailable: "open" | "closed" | "local",
  namespace = uniqueNamespace(),
): LimitedApp {
  return createLimitedApp(namespace, (app, rateLimit) => {
    app.use(rateLimit({ name: "api", ip: "20/1m", mode, onUnavailable }));
    app.get("/", (c) => c.text("content"));
  });
}

describe.each([
  ["fails", { errorRate: 1 }],
  ["hangs", { hang: true }],
  ["resets connections", { reset: true }],
] as const)("while Redis %s", (state, fault) => {
  it(`a rate limit with the option onUnavailable at 'open' admits requests and sends no X-RateLimit fields while Redis ${state}`, async () => {
    const { storm } = appOf("strict", "open");
    await failRedis(fault);
    const answers = await storm(25, "/", { ip });
    expect(statuses(answers)).toEqual({ 200: 25 });
    for (const { headers } of answers) {
      expect(headers.get("X-RateLimit-Remaining")).toBeNull();
      expect(headers.get("X-RateLimit-Limit")).toBeNull();
      expect(headers.get("RateLimit")).toBeNull();
      expect(headers.get("RateLimit-Policy")).toBe('"api-ip";q=20;w=60');
    }
  });

  it(`a rate limit with the option onUnavailable at 'closed' answers 503 without the content while Redis ${state}`, async () => {
    const { get } = appOf("strict", "closed");
    await failRedis(fault);
    const { status, headers, body } = await get("/", { ip });
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ type: "urn:strata:problem:rate-limit-unavailable" });
    expect(headers.get("Retry-After")).toBe("1");
    expect(headers.get("X-RateLimit-Remaining")).toBeNull();
  });

  it(`a rate limit with the option onUnavailable at 'local' enforces its limit inside the isolate while Redis ${state}`, async () => {
    for (const mode of ["strict", "fast"] as const) {
      const { storm, get } = appOf(mode, "local");
      await failRedis(fault);
      expect(statuses(await storm(50, "/", { ip })), mode).toEqual({ 200: 20, 429: 30 });
      const refused = await get("/", { ip });
      expect(Number(refused.headers.get("Retry-After")), mode).toBeGreaterThan(50);
      await clearFaults();
    }
  });
});

describe("redisLedger() while Redis fails", () => {
  it("a rate limit with redisLedger() admits, refuses or counts in the isolate while Redis fails, as onUnavailable says", async () => {
    const ended = {
      open: { 200: 25 },
      closed: { 503: 25 },
      local: { 200: 20, 429: 5 },
    } as const;
    for (const onUnavailable of ["open", "closed", "local"] as const) {
      const create = createRedisAloneApp("1s");
      const { storm } = create(uniqueNamespace(), (app, rateLimit) => {
        app.use(rateLimit({ name: "api", ip: "20/1m", onUnavailable }));
        app.get("/", (c) => c.text("content"));
      });
      await failRedis({ errorRate: 1 });
      expect(statuses(await storm(25, "/", { ip })), onUnavailable).toEqual(ended[onUnavailable]);
      await clearFaults();
    }
  });
});

describe("after an outage of Redis", () => {
  it("after an outage of Redis, the tokens that an isolate granted are charged once, except tokens of calls with an unknown outcome", async () => {
    const namespace = uniqueNamespace();
    const { get, rateLimits, clock } = appOf("strict", "local", namespace);
    await failRedis({ errorRate: 1 });
    // The first three calls have an unknown outcome; then the breaker opens.
    for (let i = 0; i < 8; i++) await get("/", { ip });
    const { unknown } = rateLimits.stats();
    expect(unknown).toBe(3);
    await clearFaults();
    clock.advance(1_500);
    // The first request lets the breaker probe Redis in the background.
    for (let i = 0; i < 2; i++) await get("/", { ip });
    const info = await appOf("strict", "open", namespace).rateLimits.getLimitInfo(
      ip,
      createTestContext(),
    );
    expect(info.ok && info.value.limits[0]?.remaining).toBe(20 - 10 + unknown);
  });
});

describe("a network that loses calls", () => {
  it("if a network loses calls to Redis, a rate limit never charges more tokens in Redis than it admitted requests", async () => {
    const namespace = uniqueNamespace();
    const isolates = Array.from({ length: 4 }, () =>
      createLimitedApp(namespace, (app, rateLimit) => {
        app.use(rateLimit({ name: "api", ip: "1000/1h", mode: "fast", lease: 0.01 }));
        app.get("/", (c) => c.text("content"));
      }),
    );
    let passed = 0;
    for (const fault of [{ reset: true }, {}, { errorRate: 0.5 }, {}, { truncate: true }, {}]) {
      await failRedis(fault);
      for (const { storm, clock } of isolates) {
        passed += statuses(await storm(40, "/", { ip }))[200] ?? 0;
        // Longer than the breaker stays open.
        clock.advance(1_500);
      }
    }
    await clearFaults();
    const [first] = isolates;
    const info = await first!.rateLimits.getLimitInfo(ip, createTestContext());
    if (!info.ok) throw new Error(info.fault.message);
    const charged = 1_000 - info.value.limits[0]!.remaining;
    const unknown = isolates.reduce((sum, { rateLimits }) => sum + rateLimits.stats().unknown, 0);
    expect(passed).toBe(960);
    expect(unknown).toBeGreaterThan(0);
    expect(charged).toBeLessThanOrEqual(passed);
    expect(charged).toBeGreaterThan(0);
  });
});

describe("a strict limit before a cached route", () => {
  it("a rate limit in strict mode refuses a request that the cache could answer", async () => {
    const { get } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
      app.use(rateLimit({ name: "api", ip: "1/1m" }));
      app.get("/", cached({ freshFor: "1h" }), (c) => c.text("content"));
    });
    expect((await get("/", { ip })).body).toBe("content");
    const refused = await get("/", { ip });
    expect(refused.status).toBe(429);
    expect(refused.body).not.toContain('content"');
    expect(JSON.parse(refused.body)).toMatchObject({ status: 429 });
  });
});
