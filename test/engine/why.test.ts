/** Questions about a key, each asked of a layer in which the cause was made to happen. */
import type { Context as HonoContext } from "hono";
import { describe, expect, it } from "vitest";
import { key, type StrataEnv } from "../../src/index.ts";
import { newNamespace } from "../telemetry/support.ts";
import { createWorld } from "./why-world.ts";

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;

describe("why a key was not answered by a tier", () => {
  it("a key that no request has read is explained as never read", async () => {
    const { next, last } = await createWorld().why("1");
    expect([next.code, last]).toEqual(["never-read", undefined]);
  });

  it("a purged key is explained by the tag of the purge and its time, before the next read and after it", async () => {
    const { read, why, layer, ctx } = createWorld();
    await read("1");
    await layer.writer.purge({ tags: ["thing:1"] }, ctx);
    const before = await why("1");
    expect(before.next.code).toBe("invalidated");
    expect(before.next.text).toContain("the tag thing:1");
    expect(before.next.text).toMatch(TIME);
    await read("1");
    const after = await why("1");
    expect(after.next.code).toBe("hit-memory");
    expect(after.last?.missed.code).toBe("invalidated");
    expect(after.last?.missed.text).toContain("the tag thing:1");
    expect(after.last?.result.code).toBe("stored");
  });

  it("a key that was purged in another isolate is explained by the prefix of the purge", async () => {
    const namespace = newNamespace();
    const [one, other] = [createWorld({ namespace }), createWorld({ namespace })];
    await one.read("1");
    await other.layer.writer.purge({ prefixes: ["thing:"] }, other.ctx);
    const { next } = await one.why("1");
    expect(next.text).toContain("the prefix thing:");
  });

  it("a key whose purge was soft is explained as stale until its refresh", async () => {
    const world = createWorld({ policy: { staleWhileRevalidate: "5m" } });
    await world.read("1");
    await world.layer.writer.purge({ tags: ["thing:1"], soft: true }, world.ctx);
    const { next } = await world.why("1");
    expect(next.code).toBe("softened");
    expect(next.text).toContain("softly invalidated by the tag thing:1");
  });

  it("a key whose fresh lifetime has ended is explained as expired, before the next read and after it", async () => {
    const { read, why, clock } = createWorld();
    await read("1");
    clock.advance(11 * 60_000);
    expect((await why("1")).next.code).toBe("expired");
    await read("1");
    const { last } = await why("1");
    expect(last?.missed.code).toBe("expired");
  });

  it("a key under which the origin has nothing is explained as a negative entry", async () => {
    const { read, why } = createWorld({ make: () => undefined });
    await read("1");
    const { next, last } = await why("1");
    expect([next.code, last?.missed.code, last?.result.code]).toEqual([
      "negative",
      "absent",
      "stored",
    ]);
  });

  it("a key whose loader calls noStore is explained as hit-for-miss, and its last result by the loader", async () => {
    const { read, why } = createWorld({ make: () => "no-store" });
    await read("1");
    const { next, last } = await why("1");
    expect([next.code, last?.result.code]).toEqual(["hit-for-miss", "loader"]);
    await read("1");
    expect((await why("1")).last?.missed.code).toBe("loader");
  });

  it("a key whose loads fail is explained by the fault, and by the pause after two failures", async () => {
    const world = createWorld({
      make: () => {
        throw new Error("broken");
      },
    });
    world.clock.stop();
    await world.read("1");
    expect((await world.why("1")).next.code).toBe("failed");
    await world.read("1");
    const { next } = await world.why("1");
    expect(next.code).toBe("paused");
    expect(next.text).toContain("origin.unavailable");
  });

  it("a key that was invalidated during its load is explained as not stored for that reason", async () => {
    const world = createWorld({
      make: async (id) => {
        await world.layer.writer.purge({ tags: [`thing:${id}`] }, world.ctx);
        return { id };
      },
    });
    await world.read("1");
    expect((await world.why("1")).last?.result.code).toBe("invalidated");
  });

  it("a key of another era of the invalidation log is explained by the era", async () => {
    const { read, why, layer, clock } = createWorld({ policy: { tiers: ["memory"] } });
    await read("1");
    const entry = layer.memory.peek(key("thing", "1"));
    layer.memory.put({ ...entry!, era: "another" }, clock.now());
    expect((await why("1")).next.code).toBe("era");
  });

  it("a key that memory has evicted is explained as evicted while Redis answers", async () => {
    const { read, why } = createWorld({
      policy: { tiers: ["memory", "redis"] },
      strata: { memory: { maxEntries: 1 } },
    });
    await read("1");
    await read("2");
    const { next } = await why("1");
    expect(next.code).toBe("evicted");
    expect(next.text).toContain("redis answers");
  });

  it("a key that only another isolate has loaded is explained by the tier that holds it", async () => {
    const namespace = newNamespace();
    const policy = { tiers: ["memory", "redis"] as const };
    await createWorld({ namespace, policy }).read("1");
    expect((await createWorld({ namespace, policy }).why("1")).next.code).toBe("hit-redis");
  });

  it("a key that was loaded while Redis is away is explained by Redis, and as stored in this isolate alone", async () => {
    const { read, why } = createWorld({
      variables: { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:9" },
    });
    await read("1");
    const { next, last } = await why("1");
    expect([next.code, last?.result.code]).toEqual(["unreachable", "unreachable"]);
  });

  it("a value that is too large for memory is explained by its size", async () => {
    const { read, why } = createWorld({
      policy: { tiers: ["memory"] },
      strata: { memory: { maxBytes: 4_096 } },
      make: () => "x".repeat(8_192),
    });
    await read("1");
    expect((await why("1")).last?.result.code).toBe("too-big");
  });
});

describe("why a response was not stored", () => {
  it.each<[string, string, (c: HonoContext<StrataEnv>) => Response]>([
    [
      "a response with Set-Cookie",
      "cookie",
      (c) => {
        c.header("Set-Cookie", "a=b");
        return c.text("page");
      },
    ],
    [
      "a response of a handler that reads a variable of one client",
      "unkeyed",
      (c) => c.text(String(c.get("client" as never))),
    ],
    [
      "a response with no-store",
      "no-store",
      (c) => c.text("page", 200, { "Cache-Control": "no-store" }),
    ],
    ["a private response", "private", (c) => c.text("page", 200, { "Cache-Control": "private" })],
    ["a response with Vary: *", "varies", (c) => c.text("page", 200, { Vary: "*" })],
    ["a response with status 202 and no lifetime of its own", "status", (c) => c.text("page", 202)],
  ])("%s is explained as not stored with the code %s", async (_name, code, page) => {
    const { last } = await createWorld({ page }).whyPage("1");
    expect([last?.status, last?.result.code]).toEqual(["bypass", code]);
  });

  it("the explanation of a private response names the part of the request that the handler read", async () => {
    const { last } = await createWorld({
      page: (c) => c.text(String(c.get("client" as never))),
    }).whyPage("1");
    expect(last?.result.text).toContain("client");
  });
});
