/** The Redis requests and commands that limits cost, counted at the gateway. */
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

describe("a limit of three identities", () => {
  it("a rate limit of three identities sends one Redis request: 6 commands if admitted, 3 if refused, and none for a remembered refusal", async () => {
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

  it("the sliding window of @upstash/ratelimit sends three requests for three identities, and charges two identities for a refused request", async () => {
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
    // The first call of each script fails, because Redis has not loaded it, and is sent again.
    await ask();
    const allowed = await countRedis(ask);
    const refused = await countRedis(ask);
    expect(allowed).toEqual({ requests: 3, commands: 12 });
    expect(refused).toEqual({ requests: 3, commands: 11 });
    // Both limiters with room were charged for the refused request.
    expect((await limiters[1]!.getRemaining("x")).remaining).toBe(97);
  });
});

describe("a fast limit", () => {
  it("a rate limit in fast mode sends no Redis request for a memory hit, and at most 6 for 500 concurrent requests", async () => {
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

describe("a strict limit", () => {
  it("a rate limit in strict mode adds one Redis request to a request that the cache answers from Redis", async () => {
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
    expect(plain).toEqual({ requests: 1, commands: 4 });
    expect(limited.commands - plain.commands).toBe(4);
  });

  it("two commands in one pipeline are billed as two commands, so a limit and a read in one request would save no command", async () => {
    const redis = createRedis({
      url: env.UPSTASH_REDIS_REST_URL,
      token: env.UPSTASH_REDIS_REST_TOKEN,
      timeoutMs: 10_000,
    });
    const apart = await countRedis(() => Promise.all([redis.get("a"), redis.get("b")]));
    const together = await countRedis(() => redis.pipeline().get("a").get("b").exec());
    expect(apart).toEqual({ requests: 2, commands: 2 });
    expect(together).toEqual({ requests: 1, commands: 2 });
  });
});
