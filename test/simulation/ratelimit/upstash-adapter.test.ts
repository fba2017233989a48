/** The public algorithms inside `@upstash/ratelimit`. */
import { Ratelimit } from "@upstash/ratelimit";
import { describe, expect, it } from "vitest";
import { packIdentifier } from "../../../src/ratelimit/identifier-codec.ts";
import { slidingLog, slidingWindow } from "../../../src/ratelimit/upstash-adapter.ts";
import { createSimulatedRedis } from "./redis.ts";

const START = 1_763_720_000_000;
const minute = (limit: number) => [{ limit, widthMs: 60_000 }];
const identifier = (requests: number) =>
  packIdentifier({
    requests,
    charges: [
      { key: "ip:192.0.2.1", windows: minute(3) },
      { key: "user:alice", windows: minute(5) },
    ],
  });

describe.each([
  ["slidingWindow", () => slidingWindow()],
  ["slidingLog", () => slidingLog({ newId: () => crypto.randomUUID() })],
])("%s as an algorithm of @upstash/ratelimit", (name, createAlgorithm) => {
  const setUp = () => {
    const redis = createSimulatedRedis(START);
    const ratelimit = new Ratelimit({
      redis: redis.client,
      prefix: "t",
      limiter: createAlgorithm(),
      timeout: 0,
      ephemeralCache: false,
      enableTelemetry: false,
    });
    return { redis, ratelimit };
  };

  it(`${name} in @upstash/ratelimit charges all accounts of a packed identifier or none, and reports the account nearest to its limit`, async () => {
    const { ratelimit } = setUp();
    for (const remaining of [2, 1, 0])
      expect(await ratelimit.limit(identifier(1))).toMatchObject({
        success: true,
        limit: 3,
        remaining,
        reset: START + 60_000,
      });
    expect(await ratelimit.limit(identifier(1))).toMatchObject({ success: false, remaining: 0 });
    const user = packIdentifier({
      requests: 0,
      charges: [{ key: "user:alice", windows: minute(5) }],
    });
    expect(await ratelimit.getRemaining(user)).toMatchObject({ limit: 5, remaining: 2 });
  });

  it(`${name} in @upstash/ratelimit takes as many tokens for each request as the option 'rate', and succeeds only if all requests fit`, async () => {
    const { ratelimit } = setUp();
    expect(await ratelimit.limit(identifier(1), { rate: 2 })).toMatchObject({
      success: true,
      remaining: 1,
    });
    expect((await ratelimit.limit(identifier(2))).success).toBe(false);
  });

  it(`${name} in @upstash/ratelimit removes the accounts of a packed identifier on resetUsedTokens()`, async () => {
    const { ratelimit } = setUp();
    await ratelimit.limit(identifier(3));
    await ratelimit.resetUsedTokens(identifier(0));
    expect(await ratelimit.getRemaining(identifier(0))).toMatchObject({ remaining: 3 });
  });
});
