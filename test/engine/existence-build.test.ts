/** The build of the existence filters of several kinds, as the cron trigger does it. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { WithTimeout } from "../../src/core/deadline.ts";
import { createExistence } from "../../src/engine/existence.ts";
import { newHashKey } from "../../src/platform.ts";
import { createRedis } from "../../src/redis/client.ts";
import { createFilterStore } from "../../src/redis/filter-store.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createTestBreaker } from "../support/breakers.ts";
import { redisCommand } from "../support/gateway.ts";
import { createTestIsolate, uniqueNamespace } from "../support/isolate.ts";

const redis = createRedis({
  url: env.UPSTASH_REDIS_REST_URL,
  token: env.UPSTASH_REDIS_REST_TOKEN,
  timeoutMs: 5_000,
});

function openKinds(
  listKeys: Readonly<Record<string, () => Promise<readonly string[]>>>,
  limit: WithTimeout = withTimeout,
) {
  const namespace = uniqueNamespace();
  const isolate = createTestIsolate({ namespace });
  const { store, coherence } = isolate.layer;
  const existence = createExistence({
    filters: createFilterStore(redis, namespace, createTestBreaker()),
    store,
    coherence,
    newSeed: newHashKey,
    rate: 0.01,
    coherenceMs: 1_000,
    rebuildMs: 60_000,
    maxAgeMs: 3_600_000,
    reloadMs: 60_000,
    withTimeout: limit,
  });
  for (const [name, list] of Object.entries(listKeys)) existence.define({ name, listKeys: list });
  return { namespace, existence, isolate };
}

describe("the build of several existence filters", () => {
  it("a build whose time is used up after the first kind returns the next kind, and the next build begins there", async () => {
    const built: string[] = [];
    const { existence, isolate } = openKinds({
      first: async () => (built.push("first"), []),
      second: async () => (built.push("second"), []),
    });
    const { ctx } = isolate.request();
    const cut = await existence.buildFrom("first", ctx.now(), ctx);
    expect(cut.next).toBe("second");
    expect(built).toEqual(["first"]);
    const rest = await existence.buildFrom(cut.next, Infinity, ctx);
    expect(rest.next).toBeUndefined();
    expect(built).toEqual(["first", "second"]);
    expect([...rest.results.keys()]).toEqual(["second", "first"]);
  });

  it("a kind whose list of keys hangs fails with the error code `origin.timeout` after 5 s, and the filters of the other kinds are built", async () => {
    const limits: number[] = [];
    const { existence, isolate } = openKinds(
      { hanging: () => new Promise(() => undefined), other: async () => [] },
      (work, ms) => {
        limits.push(ms);
        return withTimeout(work, 50);
      },
    );
    const results = await existence.buildAll(isolate.request().ctx);
    expect(results.get("hanging")).toMatchObject({ ok: false, fault: { code: "origin.timeout" } });
    expect(results.get("other")).toEqual({ ok: true, value: "built" });
    expect(limits).toEqual([5_000, 5_000]);
  });

  it("a build that finds all its filters young asks the invalidation log once, for all kinds together", async () => {
    const { existence, isolate } = openKinds({ first: async () => [], second: async () => [] });
    const { ctx } = isolate.request();
    await existence.buildAll(ctx);
    const before = isolate.events.length;
    expect([...(await existence.buildAll(ctx)).values()]).toEqual(
      Array.from({ length: 2 }, () => ({ ok: true, value: "young" })),
    );
    const syncs = isolate.events
      .slice(before)
      .filter((event) => event.type === "redis.end" && event.operation === "sync");
    expect(syncs).toHaveLength(1);
  });

  it("a young filter of an older era is built again, also as the second of several kinds", async () => {
    const { namespace, existence, isolate } = openKinds({
      first: async () => [],
      second: async () => [],
    });
    const { ctx } = isolate.request();
    await existence.buildAll(ctx);
    const { era } = isolate.layer.coherence.logPosition();
    await redisCommand("ZREM", `${namespace}:inv`, `!era:${era}`);
    expect([...(await existence.buildAll(ctx)).values()]).toEqual(
      Array.from({ length: 2 }, () => ({ ok: true, value: "built" })),
    );
  });
});
