import { describe, expect, it } from "vitest";
import { createTestContext } from "../support/context.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { createLimitedApp, statuses, type LimitedApp } from "./app.ts";

const ip = "192.0.2.1";

function fastApp(namespace: string, limit = "100/1m"): LimitedApp {
  return createLimitedApp(namespace, (app, rateLimit) => {
    app.use(rateLimit({ name: "api", ip: limit, mode: "fast" }));
    app.get("/", (c) => c.text("content"));
  });
}

describe("a fast limit", () => {
  it("admits exactly the limit in an isolate alone, one after the other", async () => {
    const { get } = fastApp(uniqueNamespace());
    const remaining: string[] = [];
    let admitted = 0;
    for (let i = 0; i < 130; i++) {
      const { status, headers } = await get("/", { ip });
      if (status === 200) admitted++;
      remaining.push(headers.get("X-RateLimit-Remaining") ?? "none");
    }
    expect(admitted).toBe(100);
    // And says so: 99, 98, … 0, and 0 for those that are refused.
    expect(remaining).toEqual(Array.from({ length: 130 }, (_, i) => String(Math.max(0, 99 - i))));
  });

  it("admits exactly the limit of a storm on an isolate alone", async () => {
    const { storm } = fastApp(uniqueNamespace());
    expect(statuses(await storm(400, "/", { ip }))).toEqual({ 200: 100, 429: 300 });
    expect(statuses(await storm(50, "/", { ip }))).toEqual({ 429: 50 });
  });

  it("passes the limit by at most the lease of each isolate", async () => {
    const namespace = uniqueNamespace();
    const isolates = Array.from({ length: 4 }, () => fastApp(namespace));
    const answers = await Promise.all(isolates.map(({ storm }) => storm(100, "/", { ip })));
    const admitted = statuses(answers.flat())[200] ?? 0;
    expect(admitted).toBeGreaterThanOrEqual(100);
    expect(admitted).toBeLessThanOrEqual(100 + 4 * 10);
  });

  it("tells an isolate of what others have used, with the first settlement", async () => {
    const namespace = uniqueNamespace();
    const [a, b] = [fastApp(namespace), fastApp(namespace)];
    for (let i = 0; i < 60; i++) await a.get("/", { ip });
    let last = "";
    for (let i = 0; i < 11; i++)
      last = (await b.get("/", { ip })).headers.get("X-RateLimit-Remaining") ?? "";
    // All of it but what the other has given and not told of yet: at most its lease.
    expect(Number(last)).toBeGreaterThanOrEqual(29);
    expect(Number(last)).toBeLessThan(39);
  });

  it("takes from all identities or from none", async () => {
    const { get } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
      app.use(rateLimit({ name: "api", ip: "50/1m", user: "5/1m", mode: "fast" }));
      app.get("/", (c) => c.text("content"));
    });
    const headers = { "X-API-Key": "alice" };
    const seen: number[] = [];
    for (let i = 0; i < 12; i++) seen.push((await get("/", { ip, headers })).status);
    expect(seen.filter((status) => status === 200)).toHaveLength(5);
    const mine = await get("/", { ip });
    expect(mine.headers.get("X-RateLimit-Remaining")).toBe("44");
  });

  it("keeps several windows, a burst and a sustained rate", async () => {
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

  it("does not care about a Worker whose clock is an hour off, before or behind", async () => {
    const namespace = uniqueNamespace();
    const isolates = [0, 3_600_000, -3_600_000].map((skewMs) => {
      const isolate = fastApp(namespace);
      isolate.clock.advance(skewMs);
      return isolate;
    });
    const remaining: number[] = [];
    for (let i = 0; i < 130; i++) {
      // Each asks long enough to have heard from Redis.
      const { status, headers } = await isolates[Math.floor(i / 20) % 3]!.get("/", { ip });
      if (status === 200) remaining.push(Number(headers.get("X-RateLimit-Remaining")));
    }
    expect(remaining.length).toBeGreaterThanOrEqual(100);
    expect(remaining.length).toBeLessThanOrEqual(130);
    for (const isolate of isolates) {
      const refused = (await isolate.storm(15, "/", { ip })).at(-1)!;
      expect(refused.status).toBe(429);
      // More than a minute where more than the limit was given.
      expect(Number(refused.headers.get("Retry-After"))).toBeLessThanOrEqual(75);
      const reset = Number(refused.headers.get("X-RateLimit-Reset")) - Date.now() / 1_000;
      expect(reset).toBeGreaterThan(0);
      expect(reset).toBeLessThanOrEqual(76);
    }
  });

  it("forgets a refusal at the moment when there is room again", async () => {
    const { get, storm } = fastApp(uniqueNamespace(), "4/1s");
    await storm(10, "/", { ip });
    const refused = await get("/", { ip });
    expect(refused.status).toBe(429);
    const until = Date.now() + 1_000 * Number(refused.headers.get("Retry-After"));
    let first = 0;
    while (first === 0 && Date.now() < until + 1_000)
      if ((await get("/", { ip })).status === 200) first = Date.now();
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThanOrEqual(until + 50);
  });
});

describe("what an isolate remembers", () => {
  it("stays bounded under a flood of identities, and loses no account of what it gave", async () => {
    const { get, rateLimits } = fastApp(uniqueNamespace());
    let most = 0;
    const total = 12_000;
    for (let from = 0; from < total; from += 500) {
      const batch = Array.from({ length: 500 }, (_, i) => {
        const n = from + i;
        return get("/", { ip: `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}` });
      });
      await Promise.all(batch);
      const { accounts, owing } = rateLimits.stats();
      most = Math.max(most, accounts, owing);
    }
    expect(most).toBeLessThanOrEqual(10_000);
    expect(rateLimits.stats().accounts).toBe(10_000);
    expect(rateLimits.stats().unknown).toBe(0);
  });
});

describe("an operator", () => {
  it("sees where an identity stands, what is on credit too, and resets it", async () => {
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
});
