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

  it("a session that was revoked 150 ms after a request had read it is not found when the request reads it again", async () => {
    const ada = createSessionApp().browser();
    await ada.post("/sign-in/ada");
    expect(userIn(await ada.get("/me-late"))).toBeUndefined();
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

  it("the hash that lists show opens no session as a cookie", async () => {
    const app = createSessionApp();
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    const [listed] = await listOf(app, "ada");
    const thief = app.browser();
    for (const id of [listed?.id ?? "", (listed?.id ?? "").slice(0, 43)]) {
      thief.cookie = `__Host-session=${id}`;
      expect(userIn(await thief.get("/me"))).toBeUndefined();
    }
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

describe("session fixation", () => {
  it("a sign-in with a cookie that an attacker chose gets a new id, and the chosen id opens nothing", async () => {
    const app = createSessionApp();
    const victim = app.browser();
    const chosen = `__Host-session=${"a".repeat(43)}`;
    victim.cookie = chosen;
    await victim.post("/sign-in/ada");
    expect(victim.cookie).not.toBe(chosen);
    const attacker = app.browser();
    attacker.cookie = chosen;
    expect(userIn(await attacker.get("/me"))).toBeUndefined();
  });

  it("a sign-in with the cookie of an attacker's own session ends that session and gets a new id", async () => {
    const app = createSessionApp();
    const attacker = app.browser();
    await attacker.post("/sign-in/mallory");
    const victim = app.browser();
    victim.cookie = attacker.cookie;
    await victim.post("/sign-in/ada");
    expect(userIn(await victim.get("/me"))).toBe("ada");
    expect(userIn(await attacker.get("/me"))).toBeUndefined();
    expect(await listOf(app, "mallory")).toEqual([]);
  });

  it("a rotation gives a new id with the same end, and the old id opens nothing", async () => {
    const app = createSessionApp();
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    const [before] = await listOf(app, "ada");
    const thief = app.browser();
    thief.cookie = ada.cookie;
    app.clock.advance(1_000);
    await ada.post("/rotate");
    expect(userIn(await ada.get("/me"))).toBe("ada");
    expect(userIn(await thief.get("/me"))).toBeUndefined();
    const after = await listOf(app, "ada");
    expect(after.map(({ endsAt }) => endsAt)).toEqual([before?.endsAt]);
    expect(after[0]?.id).not.toBe(before?.id);
  });
});

describe("a revocation", () => {
  it("after a revocation of all sessions of a user, none of them is seen in another isolate", async () => {
    const app = createSessionApp();
    const other = createSessionApp({}, app.namespace);
    const [ada, adasPhone, bob] = [app.browser(), app.browser(), app.browser()];
    await ada.post("/sign-in/ada");
    await adasPhone.post("/sign-in/ada");
    await bob.post("/sign-in/bob");
    const there = other.browser();
    there.cookie = ada.cookie;
    expect(userIn(await there.get("/me"))).toBe("ada");
    expect(await app.layer.sessions.revokeAll("ada", createTestContext())).toBe(2);
    expect(userIn(await there.get("/me"))).toBeUndefined();
    expect(userIn(await adasPhone.get("/me"))).toBeUndefined();
    expect(userIn(await bob.get("/me"))).toBe("bob");
    expect(await listOf(app, "ada")).toEqual([]);
  });

  it("one session of a user can be revoked by its name in the list, and not by another user", async () => {
    const app = createSessionApp();
    const [ada, phone] = [app.browser(), app.browser()];
    await ada.post("/sign-in/ada");
    await phone.post("/sign-in/ada");
    const { sessions } = app.layer;
    const ctx = createTestContext();
    const own = JSON.parse((await phone.get("/me")).body) as { id: string };
    expect(await sessions.revoke("bob", own.id, ctx)).toBe(false);
    expect(userIn(await phone.get("/me"))).toBe("ada");
    expect(await sessions.revoke("ada", own.id, ctx)).toBe(true);
    expect(await sessions.revoke("ada", own.id, ctx)).toBe(false);
    expect(await sessions.revoke("ada", "*", ctx)).toBe(false);
    expect(userIn(await phone.get("/me"))).toBeUndefined();
    expect(userIn(await ada.get("/me"))).toBe("ada");
  });

  it("a sign-in that began before a revocation of all sessions of its user is refused after it, and one of another user is not", async () => {
    const app = createSessionApp();
    const { sessions } = app.layer;
    const ctx = createTestContext();
    // The first revocation of a user, and a later one.
    for (let round = 0; round < 2; round++) {
      for (const user of ["ada", "bob"])
        app.signIns.set(user, await sessions.beginSignIn(user, ctx));
      await sessions.revokeAll("ada", ctx);
      const browser = app.browser();
      expect(userIn(await browser.post("/finish/ada"))).toBeUndefined();
      expect(browser.cookie).toBe("");
      expect(userIn(await browser.post("/finish/bob"))).toBe("bob");
      app.signIns.set("ada", await sessions.beginSignIn("ada", ctx));
      expect(userIn(await browser.post("/finish/ada"))).toBe("ada");
    }
  });

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

describe("a request that a page of another site sends", () => {
  it("a POST of another site has no session, and a GET has", async () => {
    const app = createSessionApp();
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    const foreign = { "Sec-Fetch-Site": "cross-site" };
    expect((await ada.post("/sign-out", foreign)).body).toBe("false");
    expect((await ada.post("/rotate", foreign)).body).toBe("null");
    expect(userIn(await ada.get("/me"))).toBe("ada");
  });
});

describe("a cached route", () => {
  it("the handler of a cached route gets no session that the key does not name, although a middleware before it has read the session", async () => {
    const app = createSessionApp();
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    expect((await ada.get("/cached")).body).toBe("null");
    const stranger = await app.browser().get("/cached");
    expect([stranger.body, stranger.headers.get("X-Cache-Status")]).toEqual(["null", "HIT"]);
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
