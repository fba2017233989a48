/** The functions by which an application of the data cache makes its rate limits. */
import { env } from "cloudflare:workers";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { createStrata, DefinitionError } from "../../src/entries/data.ts";
import { durableLedger, type DurableLedgerOptions } from "../../src/entries/durable.ts";
import {
  middleware,
  rateLimits,
  SessionsUnavailable,
  type RateLimitSetup,
  type StrataEnv,
} from "../../src/entries/hono.ts";
import { fault } from "../../src/core/faults.ts";
import { redisLedger } from "../../src/entries/redis.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const PATIENT = { timeout: "10s" } as const;

function setUp(setup: Partial<RateLimitSetup> = {}) {
  const strata = createStrata({ namespace: uniqueNamespace() });
  const limits = rateLimits(strata, { ledger: durableLedger(env.LEDGER, PATIENT), ...setup });
  return { strata, limits };
}

describe("durableLedger()", () => {
  it("durableLedger() without a binding throws an error that says so", () => {
    expect(() => durableLedger(undefined)).toThrow("durableLedger: the binding is missing");
  });

  const wrong: readonly (readonly [DurableLedgerOptions, string])[] = [
    [{ shards: 0 }, "ledger.shards: must be a whole number from 1 to 256"],
    [{ timeout: "2h" }, "ledger.timeout: must be a duration"],
    [{ location: "moon" as "nearest" }, "ledger.location: must be one of"],
    [{ breaker: { failures: 0 } }, "breaker.failures: must be"],
  ];
  it.each(wrong)(
    "durableLedger() rejects the options %j with an error that names the option",
    (options, message) => {
      expect(() => durableLedger(env.LEDGER, options)).toThrow(DefinitionError);
      expect(() => durableLedger(env.LEDGER, options)).toThrow(message);
    },
  );
});

describe("redisLedger()", () => {
  const database = { url: "https://redis.test", token: "token-of-the-database" };

  it.each([
    [{ ...database, url: "redis.test" }, "url"],
    [{ ...database, token: "" }, "token"],
    [{ ...database, timeout: "2h" }, "ledger.timeout: must be a duration"],
    [{ ...database, breaker: { failures: 0 } }, "breaker.failures: must be"],
  ] as const)(
    "redisLedger() rejects the options %j with an error that names the option and not the token",
    (options, message) => {
      expect(() => redisLedger(options)).toThrow(DefinitionError);
      expect(() => redisLedger(options)).toThrow(message);
      expect(() => redisLedger(options)).not.toThrow("token-of-the-database");
    },
  );

  it("a rate limit with the algorithm upstash-token-bucket and redisLedger() is refused when it is defined", () => {
    const { limits } = setUp({ ledger: redisLedger(database) });
    expect(() => limits.rateLimit({ ip: "5/1m", algorithm: "upstash-token-bucket" })).toThrow(
      'algorithm: "upstash-token-bucket" needs the entry strata/worker',
    );
  });
});

describe("rateLimits()", () => {
  it.each(["upstash-sliding-window", "upstash-fixed-window", "upstash-token-bucket"] as const)(
    "a rate limit with the algorithm %s and its ledger in Durable Objects is refused when it is defined",
    (algorithm) => {
      const { limits } = setUp();
      expect(() => limits.rateLimit({ ip: "5/1m", algorithm })).toThrow(
        `algorithm: "${algorithm}" needs Redis`,
      );
    },
  );

  it.each([0, 1.5, 2_000_000])(
    "rateLimits() refuses %d as the number of accounts",
    (maxAccounts) => {
      expect(() => setUp({ maxAccounts })).toThrow("maxAccounts: must be a whole number");
    },
  );

  it("rateLimits() with malformed API keys throws an error that does not repeat them", () => {
    expect(() => setUp({ apiKeys: "secret alice" })).toThrow("API_KEYS: entry 1 must be");
    expect(() => setUp({ apiKeys: "secret alice" })).not.toThrow("secret");
  });

  it("a rate limit with the option 'sessions' counts the user that sessionUser returns, or none while the sessions are away, and one without the option does not ask for it", async () => {
    let asked = 0;
    let isAway = false;
    const { strata, limits } = setUp({
      async sessionUser(c) {
        asked++;
        if (isAway) throw new SessionsUnavailable(fault("store.timeout", "no answer"));
        const id = c.req.header("Cookie");
        return id === undefined ? undefined : { id };
      },
    });
    const app = new Hono<StrataEnv>();
    app.use(middleware(strata, app));
    app.get("/with", limits.rateLimit({ user: "2/1h", sessions: true }), (c) => c.text("content"));
    app.get("/without", limits.rateLimit({ user: "2/1h" }), (c) => c.text("content"));
    async function get(path: string, user: string): Promise<number> {
      const execution = createExecutionContext();
      const headers = { Cookie: user, "CF-Connecting-IP": "192.0.2.1" };
      const response = await app.fetch(
        new Request(`https://shop.test${path}`, { headers }),
        {},
        execution,
      );
      await response.arrayBuffer();
      await waitOnExecutionContext(execution);
      return response.status;
    }
    const statuses = [];
    for (const user of ["ada", "ada", "ada", "grace"]) statuses.push(await get("/with", user));
    expect(statuses).toEqual([200, 200, 429, 200]);
    expect(asked).toBe(4);
    isAway = true;
    expect(await get("/with", "ada")).toBe(200);
    isAway = false;
    asked = 4;
    for (let i = 0; i < 3; i++) expect(await get("/without", "ada")).toBe(200);
    expect(asked).toBe(4);
  });
});
