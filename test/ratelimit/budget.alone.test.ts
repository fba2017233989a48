/** What limits cost, counted at the gateway. */
import { env } from "cloudflare:workers";
import { Ratelimit } from "@upstash/ratelimit";
import { describe, expect, it } from "vitest";
import { cached } from "../../src/index.ts";
import { createRedis } from "../../src/redis/client.ts";
import { countRedis } from "../support/gateway.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { createLimitedApp } from "./app.ts";

const ip = "192.0.2.1";
const headers = { "X-API-Key": "alice" };

describe("three identities", () => {
  it("are one request of 6 commands when allowed, 3 when refused, and nothing once that is known", async () => {
    const { get } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
      app.use(rateLimit({ name: "api", ip: "2/1m", user: "100/1h", endpoint: "100/1m" }));
      app.get("/", (c) => c.text("content"));
    });
    const spent = [];
    for (let i = 0; i < 4; i++) spent.push(await countRedis(() => get("/", { ip, headers })));
    expect(spent).toEqual([
      { requests: 1, commands: 6 },
      { requests: 1, commands: 6 },
      { requests: 1, commands: 3 },
      { requests: 0, commands: 0 },
    ]);
  });

  it("cost the stock algorithm three requests, charge although one refuses, and more commands", async () => {
    const redis = createRedis({
      url: env.UPSTASH_REDIS_REST_URL,
      token: env.UPSTASH_REDIS_REST_TOKEN,
      timeoutMs: 5_000,
    });
    const stock = (limit: number): Ratelimit =>
      new Ratelimit({
        redis,
        limiter: Ratelimit.slidingWindow(limit, "1 h"),
        prefix: uniqueNamespace(),
        ephemeralCache: false,
        enableTelemetry: false,
      });
    const limiters = [stock(2), stock(100), stock(100)];
    const ask = async (): Promise<void> => {
      for (const limiter of limiters) await limiter.limit("x");
    };
    // Its scripts are not loaded yet: each first call is refused and sent again.
    await ask();
    const allowed = await countRedis(ask);
    const refused = await countRedis(ask);
    expect(allowed).toEqual({ requests: 3, commands: 12 });
    expect(refused).toEqual({ requests: 3, commands: 11 });
    // The two that let it pass were charged for a request that was refused.
    expect((await limiters[1]!.getRemaining("x")).remaining).toBe(97);
  });
});

describe("fast mode", () => {
  it("asks Redis nothing on a memory hit, and settles a storm in a few calls", async () => {
    const { get, storm } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
      app.use(rateLimit({ name: "api", ip: "100/1m", user: "1000/1h", mode: "fast" }));
      app.get("/", cached({ freshFor: "1h" }), (c) => c.text("content"));
    });
    await get("/", { ip, headers });
    const hit = await countRedis(async () => {
      const answer = await get("/", { ip, headers });
      expect(answer.headers.get("X-Cache-Status")).toBe("HIT");
      expect(answer.headers.get("X-RateLimit-Remaining")).toBe("98");
    });
    expect(hit).toEqual({ requests: 0, commands: 0 });
    const burst = await countRedis(() => storm(500, "/", { ip, headers }));
    expect(burst.requests).toBeLessThanOrEqual(6);
    const refused = await countRedis(() => storm(500, "/", { ip, headers }));
    expect(refused.requests).toBeLessThanOrEqual(2);
  });
});

describe("strict mode", () => {
  it("adds one request to a read of the shared tier, at the same time as that read", async () => {
    const namespace = uniqueNamespace();
    const isolate = (limited: boolean) =>
      createLimitedApp(namespace, (app, rateLimit) => {
        if (limited) app.use(rateLimit({ name: "api", ip: "100/1m" }));
        app.get("/", cached({ freshFor: "1h", tiers: ["memory", "redis"] }), (c) =>
          c.text("content"),
        );
      });
    await isolate(true).get("/", { ip });
    const plain = await countRedis(async () => {
      const { headers: answer } = await isolate(false).get("/", { ip });
      expect(answer.get("Cache-Status")).toContain("detail=redis");
    });
    const limited = await countRedis(async () => {
      const { headers: answer } = await isolate(true).get("/", { ip });
      expect(answer.get("Cache-Status")).toContain("detail=redis");
      expect(answer.get("X-RateLimit-Remaining")).toBe("98");
    });
    expect(limited.requests - plain.requests).toBe(1);
  });
});
