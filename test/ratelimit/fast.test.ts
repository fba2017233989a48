import { describe, expect, it } from "vitest";
import { createTestContext } from "../support/context.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { LEDGERS, statuses, type CreateLimitedApp, type LimitedApp } from "./app.ts";

const ip = "192.0.2.1";

function createFastApp(
  createLimitedApp: CreateLimitedApp,
  namespace: string,
  limit = "100/1m",
): LimitedApp {
  return createLimitedApp(namespace, (app, rateLimit) => {
    app.use(rateLimit({ name: "api", ip: limit, mode: "fast" }));
    app.get("/", (c) => c.text("content"));
  });
}

describe.each(LEDGERS)("a fast limit with its ledger in %s", (ledger, createLimitedApp) => {
  const fastApp = createFastApp.bind(undefined, createLimitedApp);

  it(`a rate limit in fast mode admits exactly the limit of sequential requests in a single isolate, with the ledger in ${ledger}`, async () => {
    const { get } = fastApp(uniqueNamespace());
    const remaining: string[] = [];
    let admitted = 0;
    for (let i = 0; i < 130; i++) {
      const { status, headers } = await get("/", { ip });
      if (status === 200) admitted++;
      remaining.push(headers.get("X-RateLimit-Remaining") ?? "none");
    }
    expect(admitted).toBe(100);
    // X-RateLimit-Remaining counts down: 99, 98, … 0, and stays 0 for refused requests.
    expect(remaining).toEqual(Array.from({ length: 130 }, (_, i) => String(Math.max(0, 99 - i))));
  });

  it(`a rate limit in fast mode admits exactly the limit of concurrent requests in a single isolate, with the ledger in ${ledger}`, async () => {
    const { storm } = fastApp(uniqueNamespace());
    expect(statuses(await storm(400, "/", { ip }))).toEqual({ 200: 100, 429: 300 });
    expect(statuses(await storm(50, "/", { ip }))).toEqual({ 429: 50 });
  });

  it(`a rate limit in fast mode over four isolates exceeds the limit by at most one token lease for each isolate, with the ledger in ${ledger}`, async () => {
    const namespace = uniqueNamespace();
    const isolates = Array.from({ length: 4 }, () => fastApp(namespace));
    const answers = await Promise.all(isolates.map(({ storm }) => storm(100, "/", { ip })));
    const admitted = statuses(answers.flat())[200] ?? 0;
    expect(admitted).toBeGreaterThanOrEqual(100);
    expect(admitted).toBeLessThanOrEqual(100 + 4 * 10);
  });

  it(`an isolate in fast mode learns from its first settlement how many tokens other isolates have used, with the ledger in ${ledger}`, async () => {
    const namespace = uniqueNamespace();
    const [a, b] = [fastApp(namespace), fastApp(namespace)];
    for (let i = 0; i < 60; i++) await a.get("/", { ip });
    let last = "";
    for (let i = 0; i < 11; i++)
      last = (await b.get("/", { ip })).headers.get("X-RateLimit-Remaining") ?? "";
    // The other isolate may still owe tokens to the ledger: at most its lease of 10.
    expect(Number(last)).toBeGreaterThanOrEqual(29);
    expect(Number(last)).toBeLessThan(39);
  });

  it(`a rate limit in fast mode takes tokens from all identities of a request or from none, with the ledger in ${ledger}`, async () => {
    const { get } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
      app.use(rateLimit({ name: "api", ip: "50/1m", user: "5/1m", mode: "fast" }));
      app.get("/", (c) => c.text("content"));
    });
    const headers = { "X-API-Key": "alice" };
    const answered: number[] = [];
    for (let i = 0; i < 12; i++) answered.push((await get("/", { ip, headers })).status);
    expect(answered.filter((status) => status === 200)).toHaveLength(5);
    const byAddress = await get("/", { ip });
    expect(byAddress.headers.get("X-RateLimit-Remaining")).toBe("44");
  });

  it(`a rate limit in fast mode enforces a burst rate and a sustained rate, and the refusal names the exceeded window, with the ledger in ${ledger}`, async () => {
    const { storm, clock, get } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
      app.use(rateLimit({ name: "api", ip: ["5/1m", "8/1h"], mode: "fast" }));
      app.get("/", (c) => c.text("content"));
    });
    expect(statuses(await storm(20, "/", { ip }))).toEqual({ 200: 5, 429: 15 });
    const refused = await get("/", { ip });
    expect(refused.body).toContain("api-ip-1m");
    expect(refused.body).not.toContain("api-ip-1h");
    expect(clock.now()).toBeGreaterThan(0);
  });

  it(`a rate limit in fast mode admits at most its limit and its leases although the clocks of two isolates are wrong by an hour, with the ledger in ${ledger}`, async () => {
    const namespace = uniqueNamespace();
    const isolates = [0, 3_600_000, -3_600_000].map((skewMs) => {
      const isolate = fastApp(namespace);
      isolate.clock.advance(skewMs);
      return isolate;
    });
    const remaining: number[] = [];
    for (let i = 0; i < 130; i++) {
      // 20 requests in a row exceed the lease of 10, so each isolate has asked the ledger.
      const { status, headers } = await isolates[Math.floor(i / 20) % 3]!.get("/", { ip });
      if (status === 200) remaining.push(Number(headers.get("X-RateLimit-Remaining")));
    }
    expect(remaining.length).toBeGreaterThanOrEqual(100);
    expect(remaining.length).toBeLessThanOrEqual(130);
    for (const isolate of isolates) {
      const refused = (await isolate.storm(15, "/", { ip })).at(-1)!;
      expect(refused.status).toBe(429);
      // The wait exceeds a minute if the isolates together admitted more than the limit.
      expect(Number(refused.headers.get("Retry-After"))).toBeLessThanOrEqual(75);
      const reset = Number(refused.headers.get("X-RateLimit-Reset")) - Date.now() / 1_000;
      expect(reset).toBeGreaterThan(0);
      expect(reset).toBeLessThanOrEqual(76);
    }
  });

  it(`an isolate in fast mode admits a refused client again when the time of Retry-After is over, with the ledger in ${ledger}`, async () => {
    const { get, storm } = fastApp(uniqueNamespace(), "4/1s");
    await storm(10, "/", { ip });
    const refused = await get("/", { ip });
    expect(refused.status).toBe(429);
    const until = Date.now() + 1_000 * Number(refused.headers.get("Retry-After"));
    // The send time of the last refused request: a slow answer is not a late decision.
    let lastRefusedAt = 0;
    let isAllowed = false;
    while (!isAllowed && Date.now() < until + 5_000) {
      const sentAt = Date.now();
      isAllowed = (await get("/", { ip })).status === 200;
      if (!isAllowed) lastRefusedAt = sentAt;
    }
    expect(isAllowed).toBe(true);
    expect(lastRefusedAt).toBeLessThanOrEqual(until + 50);
  });
});

describe.each(LEDGERS)(
  "the memory of an isolate, with the ledger in %s",
  (ledger, createLimitedApp) => {
    const fastApp = createFastApp.bind(undefined, createLimitedApp);

    it(`after requests of 12,000 addresses, an isolate has only 10,000 rate-limit accounts in memory, with the ledger in ${ledger}`, async () => {
      const { get, rateLimits } = fastApp(uniqueNamespace());
      let most = 0;
      const total = 12_000;
      for (let from = 0; from < total; from += 500) {
        const batch = Array.from(
          { length: 500 },
          (_, i) => {
            const n = from + i;
            return get("/", { ip: `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}` });
          },
          60_000,
        );
        await Promise.all(batch);
        const { accounts, owing } = rateLimits.stats();
        most = Math.max(most, accounts, owing);
      }
      expect(most).toBeLessThanOrEqual(10_000);
      expect(rateLimits.stats().accounts).toBe(10_000);
      expect(rateLimits.stats().unknown).toBe(0);
    });
  },
);

describe.each(LEDGERS)(
  "getLimitInfo and resetLimits, with the ledger in %s",
  (ledger, createLimitedApp) => {
    const fastApp = createFastApp.bind(undefined, createLimitedApp);

    it(`getLimitInfo() counts tokens that an isolate has granted and not yet charged, and resetLimits() restores the whole limit, with the ledger in ${ledger}`, async () => {
      const { get, storm, rateLimits } = fastApp(uniqueNamespace());
      const ctx = createTestContext();
      for (let i = 0; i < 3; i++) await get("/", { ip });
      const info = await rateLimits.getLimitInfo(`ip:${ip}`, ctx);
      expect(info).toEqual({
        ok: true,
        value: {
          identity: `ip:${ip}`,
          limits: [
            {
              policy: "api-ip",
              limit: 100,
              windowMs: 60_000,
              remaining: 97,
              resetMs: expect.any(Number),
            },
          ],
        },
      });
      await storm(200, "/", { ip });
      expect((await get("/", { ip })).status).toBe(429);
      const after = await rateLimits.resetLimits(ip, ctx);
      expect(after.ok && after.value.limits[0]).toMatchObject({ remaining: 100, resetMs: 0 });
      expect((await get("/", { ip })).headers.get("X-RateLimit-Remaining")).toBe("99");
    });
  },
);
