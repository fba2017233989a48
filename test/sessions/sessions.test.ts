import { afterEach, describe, expect, it } from "vitest";
import type { UserSession } from "../../src/index.ts";
import { createTestContext } from "../support/context.ts";
import { redisCommand } from "../support/gateway.ts";
import { holdNextAnswer, observeRequests, restoreNetwork } from "../support/network.ts";
import { createSessionApp, userIn, type SessionApp } from "./session-app.ts";

afterEach(restoreNetwork);

const HOUR_MS = 3_600_000;

const listOf = (app: SessionApp, user: string): Promise<readonly UserSession[]> =>
  app.layer.sessions.list(user, createTestContext());

/** All keys of an application in Redis that belong to sessions. */
const keysOf = (app: SessionApp) => redisCommand<string[]>("KEYS", `${app.namespace}:session*`);

describe("a session", () => {
  it("a session is read with one command of Redis, once in a request, and without a cookie with none", async () => {
    const app = createSessionApp();
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    const sent: string[] = [];
    observeRequests((body) => sent.push(body));
    expect(userIn(await ada.get("/me-twice"))).toBe("ada");
    expect(sent.map((body) => (JSON.parse(body) as string[])[0]?.toUpperCase())).toEqual(["GETEX"]);
    expect(userIn(await app.browser().get("/me"))).toBeUndefined();
    await ada.get("/public");
    expect(sent).toHaveLength(1);
  });

  it("each read of a session begins its idle time anew", async () => {
    const app = createSessionApp({ sessions: { idle: "10m" } });
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    const [key = ""] = (await keysOf(app)).filter((name) => name.includes(":session:"));
    await redisCommand("PEXPIRE", key, 60_000);
    await ada.get("/me");
    expect(await redisCommand<number>("PTTL", key)).toBeGreaterThan(9 * 60_000);
  });

  it("a session that has reached its longest time opens nothing, and Redis forgets it although it was used just before", async () => {
    const app = createSessionApp({ sessions: { absolute: "2h" } });
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    app.clock.advance(2 * HOUR_MS - 60_000);
    expect(userIn(await ada.get("/me"))).toBe("ada");
    app.clock.advance(120_000);
    expect(userIn(await ada.get("/me"))).toBeUndefined();
    expect((await keysOf(app)).filter((name) => name.includes(":session:"))).toEqual([]);
  });

  it("every key of sessions in Redis has an expiry", async () => {
    const app = createSessionApp();
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    await ada.post("/rotate");
    await app.layer.sessions.revokeAll("bob", createTestContext());
    const keys = await keysOf(app);
    expect(keys).toHaveLength(3);
    for (const key of keys)
      expect(await redisCommand<number>("PTTL", key), key).toBeGreaterThan(60_000);
  });

  it("a further session of a user with the most sessions ends the oldest, and none of another user", async () => {
    const app = createSessionApp({ sessions: { maxPerUser: 2 } });
    const [first, second, third, bob] = [1, 2, 3, 4].map(() => app.browser());
    await bob!.post("/sign-in/bob");
    await first!.post("/sign-in/ada");
    await second!.post("/sign-in/ada");
    // Sign-ins of one millisecond have no order, so the first gets an earlier place.
    const { id } = JSON.parse((await first!.get("/me")).body) as { id: string };
    await redisCommand("ZADD", `${app.namespace}:sessions:ada`, "XX", "INCR", -1_000, id);
    await third!.post("/sign-in/ada");
    const users = [];
    for (const browser of [first!, second!, third!, bob!])
      users.push(userIn(await browser.get("/me")));
    expect(users).toEqual([undefined, "ada", "ada", "bob"]);
    expect(await listOf(app, "ada")).toHaveLength(2);
  });
});

describe("the secret of a session", () => {
  it("the id in the cookie is 256 random bits, and no key or value of Redis contains it", async () => {
    const app = createSessionApp();
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    expect(ada.secret()).toMatch(/^[\w-]{43}$/);
    const stored: unknown[] = [];
    for (const key of await keysOf(app)) {
      const type = await redisCommand<string>("TYPE", key);
      const values = type === "zset" ? ["ZRANGE", key, 0, -1] : ["GET", key];
      stored.push(key, await redisCommand(...values));
    }
    expect(stored.length).toBeGreaterThan(2);
    expect(JSON.stringify(stored)).not.toContain(ada.secret());
  });

  it("a malformed cookie never reaches Redis", async () => {
    const app = createSessionApp();
    const sent: string[] = [];
    observeRequests((body) => sent.push(body));
    const browser = app.browser();
    for (const value of ["x", "A".repeat(44), `${"A".repeat(42)}*`, "../../etc", "%00"]) {
      browser.cookie = `__Host-session=${value}`;
      expect(userIn(await browser.get("/me"))).toBeUndefined();
    }
    expect(sent).toEqual([]);
  });
});

describe("a revocation", () => {
  it("the answer to a read that comes after the time limit is not used, so that a session is not seen long after its revocation", async () => {
    const app = createSessionApp({ sessions: { timeout: "1s" } });
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    const gate = holdNextAnswer("getex");
    const reading = ada.get("/me");
    await gate.reached;
    await app.layer.sessions.revokeAll("ada", createTestContext());
    app.clock.advance(1_001);
    gate.open();
    expect((await reading).status).toBe(503);
  });
});

describe("the limits of users", () => {
  it("a limiter with the option `sessions` counts the user of the session over all addresses, and one without it reads no session", async () => {
    const app = createSessionApp();
    const [ada, phone, bob] = [app.browser(), app.browser(), app.browser()];
    await ada.post("/sign-in/ada");
    await phone.post("/sign-in/ada");
    await bob.post("/sign-in/bob");
    const statuses = [];
    for (const browser of [ada, phone, ada, bob])
      statuses.push((await browser.get("/limited")).status);
    expect(statuses).toEqual([200, 200, 429, 200]);
    const sent: string[] = [];
    observeRequests((body) => sent.push(body));
    expect((await ada.get("/unlimited")).headers.get("X-RateLimit-Limit")).toBeNull();
    expect(sent.filter((body) => body.includes("getex"))).toEqual([]);
  });
});
