/** The promises of sessions, with each of their stores. */
import { describe, expect, it } from "vitest";
import type { UserSession } from "../../src/index.ts";
import { createTestContext } from "../support/context.ts";
import { STORES, userIn, type AnySessionApp } from "./session-app.ts";

const listOf = (app: AnySessionApp, user: string): Promise<readonly UserSession[]> =>
  app.sessions.list(user, createTestContext());

async function nextMillisecond(): Promise<void> {
  const begun = Date.now();
  while (Date.now() === begun) await scheduler.wait(1);
}

describe.each(STORES)("sessions in %s", (store, createApp) => {
  it(`a session that was revoked 150 ms after a request had read it is not found when the request reads it again (sessions in ${store})`, async () => {
    const ada = createApp().browser();
    await ada.post("/sign-in/ada");
    expect(userIn(await ada.get("/me-late"))).toBeUndefined();
  });

  it(`the hash that lists show opens no session as a cookie (sessions in ${store})`, async () => {
    const app = createApp();
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    const [listed] = await listOf(app, "ada");
    const thief = app.browser();
    for (const id of [listed?.id ?? "", (listed?.id ?? "").slice(0, 43)]) {
      thief.cookie = `__Host-session=${id}`;
      expect(userIn(await thief.get("/me"))).toBeUndefined();
    }
  });

  it(`a sign-in with a cookie that an attacker chose gets a new id, and the chosen id opens nothing (sessions in ${store})`, async () => {
    const app = createApp();
    const victim = app.browser();
    const chosen = `__Host-session=${"a".repeat(43)}`;
    victim.cookie = chosen;
    await victim.post("/sign-in/ada");
    expect(victim.cookie).not.toBe(chosen);
    const attacker = app.browser();
    attacker.cookie = chosen;
    expect(userIn(await attacker.get("/me"))).toBeUndefined();
  });

  it(`a sign-in with the cookie of an attacker's own session ends that session and gets a new id (sessions in ${store})`, async () => {
    const app = createApp();
    const attacker = app.browser();
    await attacker.post("/sign-in/mallory");
    const victim = app.browser();
    victim.cookie = attacker.cookie;
    await victim.post("/sign-in/ada");
    expect(userIn(await victim.get("/me"))).toBe("ada");
    expect(userIn(await attacker.get("/me"))).toBeUndefined();
    expect(await listOf(app, "mallory")).toEqual([]);
  });

  it(`a rotation gives a new id with the same end, and the old id opens nothing (sessions in ${store})`, async () => {
    const app = createApp();
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

  it(`after a revocation of all sessions of a user, none of them is seen in another isolate (sessions in ${store})`, async () => {
    const app = createApp();
    const other = createApp({}, app.namespace);
    const [ada, adasPhone, bob] = [app.browser(), app.browser(), app.browser()];
    await ada.post("/sign-in/ada");
    await adasPhone.post("/sign-in/ada");
    await bob.post("/sign-in/bob");
    const there = other.browser();
    there.cookie = ada.cookie;
    expect(userIn(await there.get("/me"))).toBe("ada");
    expect(await app.sessions.revokeAll("ada", createTestContext())).toBe(2);
    expect(userIn(await there.get("/me"))).toBeUndefined();
    expect(userIn(await adasPhone.get("/me"))).toBeUndefined();
    expect(userIn(await bob.get("/me"))).toBe("bob");
    expect(await listOf(app, "ada")).toEqual([]);
  });

  it(`one session of a user can be revoked by its name in the list, and not by another user (sessions in ${store})`, async () => {
    const app = createApp();
    const [ada, phone] = [app.browser(), app.browser()];
    await ada.post("/sign-in/ada");
    await phone.post("/sign-in/ada");
    const { sessions } = app;
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

  it(`a sign-in that began before a revocation of all sessions of its user is refused after it, and one of another user is not (sessions in ${store})`, async () => {
    const app = createApp();
    const { sessions } = app;
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

  it(`a POST of another site has no session, and a GET has (sessions in ${store})`, async () => {
    const app = createApp();
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    const foreign = { "Sec-Fetch-Site": "cross-site" };
    expect((await ada.post("/sign-out", foreign)).body).toBe("false");
    expect((await ada.post("/rotate", foreign)).body).toBe("null");
    expect(userIn(await ada.get("/me"))).toBe("ada");
  });

  it(`the handler of a cached route gets no session that the key does not name, although a middleware before it has read the session (sessions in ${store})`, async () => {
    const app = createApp();
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    expect((await ada.get("/cached")).body).toBe("null");
    const stranger = await app.browser().get("/cached");
    expect([stranger.body, stranger.headers.get("X-Cache-Status")]).toEqual(["null", "HIT"]);
  });

  it(`a further session of a user with the most sessions ends the oldest, and none of another user (sessions in ${store})`, async () => {
    const app = createApp({ sessions: { maxPerUser: 2 } });
    const [first, second, third, bob] = [1, 2, 3, 4].map(() => app.browser());
    await bob!.post("/sign-in/bob");
    for (const browser of [first!, second!, third!]) {
      await browser.post("/sign-in/ada");
      // Sign-ins of one millisecond have no order.
      await nextMillisecond();
    }
    const users = [];
    for (const browser of [first!, second!, third!, bob!])
      users.push(userIn(await browser.get("/me")));
    expect(users).toEqual([undefined, "ada", "ada", "bob"]);
    expect(await listOf(app, "ada")).toHaveLength(2);
  });

  it(`a user with the most sessions who signs in again with the cookie of one of them loses no other session (sessions in ${store})`, async () => {
    const app = createApp({ sessions: { maxPerUser: 2 } });
    const [phone, ada] = [app.browser(), app.browser()];
    await phone.post("/sign-in/ada");
    await nextMillisecond();
    await ada.post("/sign-in/ada");
    await ada.post("/sign-in/ada");
    expect([userIn(await phone.get("/me")), userIn(await ada.get("/me"))]).toEqual(["ada", "ada"]);
  });

  it(`the user of a session is counted by a limiter with the option \`sessions\` over all addresses, and not by one without it (sessions in ${store})`, async () => {
    const app = createApp();
    const [ada, phone, bob] = [app.browser(), app.browser(), app.browser()];
    await ada.post("/sign-in/ada");
    await phone.post("/sign-in/ada");
    await bob.post("/sign-in/bob");
    const statuses = [];
    for (const browser of [ada, phone, ada, bob])
      statuses.push((await browser.get("/limited")).status);
    expect(statuses).toEqual([200, 200, 429, 200]);
    expect((await ada.get("/unlimited")).headers.get("X-RateLimit-Limit")).toBeNull();
  });
});
