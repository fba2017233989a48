/** What sessions cost: Redis commands, as the local services count them. */
import { describe, expect, it } from "vitest";
import type { CacheEvent } from "../../src/core/events.ts";
import { createClient } from "../api/client.ts";
import { countRedis } from "../support/gateway.ts";
import { createTestContext } from "../support/context.ts";
import { createTestClock, uniqueNamespace } from "../support/isolate.ts";
import { createTestBreaker } from "../support/breakers.ts";
import { env } from "cloudflare:workers";
import { createRedis } from "../../src/redis/client.ts";
import { createSessionStore } from "../../src/redis/session-store.ts";

describe("the routes of the reference API", () => {
  it("a session cookie costs one Redis command at /sessions/current and /users/:id, and none at routes that use no session", async () => {
    const { send } = createClient({ STRATA_DEV: "1" });
    const signedIn = await send("/sessions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ userId: 3 }),
    });
    const headers = { Cookie: signedIn.headers.get("Set-Cookie")?.split(";")[0] ?? "" };
    const paths = ["/products/1", "/products", "/categories", "/users/3", "/users?ids=3"];
    // The entries are in memory afterwards, so that only sessions and their limits use Redis.
    for (const path of paths) await send(path);
    const costs: Record<string, number> = {};
    for (const path of [...paths, "/sessions/current"])
      costs[path] = (await countRedis(() => send(path, { headers }))).commands;
    expect(costs).toEqual({
      "/products/1": 0,
      "/products": 0,
      "/categories": 0,
      "/users?ids=3": 0,
      "/users/3": 1,
      "/sessions/current": 1,
    });
  });

  it("of 150 requests of one address with session cookies that a client made up, those beyond the limit cost no Redis command", async () => {
    const { send } = createClient({ STRATA_DEV: "" });
    const ask = (i: number) =>
      send("/sessions/current", {
        headers: {
          "CF-Connecting-IP": "192.0.2.9",
          Cookie: `__Host-session=${String(i).padStart(43, "x")}`,
        },
      });
    for (let i = 0; i < 110; i++) await ask(i);
    const { commands } = await countRedis(async () => {
      for (let i = 110; i < 150; i++) expect((await ask(i)).status).toBe(429);
    });
    expect(commands).toBe(0);
  });
});

describe("a user with 20 sessions, which is the limit", () => {
  it("GET /sessions costs 25 Redis commands in two requests, and a further sign-in at most 13", async () => {
    const { send } = createClient({ STRATA_DEV: "1" });
    let addresses = 0;
    const signIn = () =>
      send("/sessions", {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "CF-Connecting-IP": `198.18.0.${addresses++}`,
        },
        body: JSON.stringify({ userId: 3 }),
      });
    for (let i = 0; i < 22; i++) await signIn();
    let response = new Response();
    const costOfSignIn = await countRedis(async () => void (response = await signIn()));
    const Cookie = response.headers.get("Set-Cookie")?.split(";")[0] ?? "";
    const costOfList = await countRedis(async () => {
      response = await send("/sessions", { headers: { Cookie } });
    });
    expect(await response.json()).toMatchObject({ total: 20 });
    expect(costOfList).toEqual({ requests: 2, commands: 25 });
    // A sync of the log may be among them.
    expect(costOfSignIn.commands).toBeLessThanOrEqual(13);
  });
});

describe("the store of sessions", () => {
  it("the store of sessions reports the number of commands that Upstash bills for each operation", async () => {
    const clock = createTestClock();
    const store = createSessionStore({
      redis: createRedis({
        url: env.UPSTASH_REDIS_REST_URL,
        token: env.UPSTASH_REDIS_REST_TOKEN,
        timeoutMs: 10_000,
      }),
      namespace: uniqueNamespace(),
      breaker: createTestBreaker({ now: clock.now }),
      newId: () => crypto.randomUUID(),
      idleMs: 60_000,
      absoluteMs: 600_000,
      maxPerUser: 5,
      timeoutMs: 10_000,
    });
    const hash = (text: string) => text.repeat(64);
    const record = { hash: hash("a"), user: "ada", createdAt: 1, endsAt: clock.now() + 60_000 };
    const ctx = createTestContext();
    const operations = {
      count: () => store.lastRevocation("ada", ctx),
      create: () => store.create({ hash: hash("a"), user: "ada" }, ctx),
      "counted create": () => store.create({ hash: hash("b"), user: "ada", revocation: "" }, ctx),
      "replacing create": () =>
        store.create({ hash: hash("c"), user: "ada", replaced: hash("b") }, ctx),
      read: () => store.read(hash("a"), ctx),
      "read of nothing": () => store.read(hash("f"), ctx),
      rotate: () => store.rotate(record, hash("d"), ctx),
      "rotate of nothing": () => store.rotate(record, hash("e"), ctx),
      list: () => store.list("ada", ctx),
      "revoke of nothing": () => store.revoke("ada", hash("f"), ctx),
      revoke: () => store.revoke("ada", hash("d"), ctx),
      "revoke-all": () => store.revokeAll("ada", ctx),
      "refused create": () => store.create({ hash: hash("b"), user: "ada", revocation: "" }, ctx),
    };
    for (const [name, call] of Object.entries(operations)) {
      const before = ctx.events.length;
      const { commands, requests } = await countRedis(call);
      const [event] = ctx.events.slice(before).filter(isRedisEnd);
      expect([event?.commands, event?.outcome, requests], name).toEqual([commands, "ok", 1]);
    }
  });
});

function isRedisEnd(event: CacheEvent): event is CacheEvent & { type: "redis.end" } {
  return event.type === "redis.end";
}
