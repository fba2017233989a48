/** Sessions in Durable Objects: the calls that they cost, and objects that fail, do not answer or answer late. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createTestContext } from "../support/context.ts";
import { inObjects, userIn } from "./session-app.ts";

type Method = (...args: unknown[]) => Promise<unknown>;

/** The real objects. `calls` lists the methods that were called; `intercept` may fail a call, or hold it. */
function createFaultyObjects() {
  const faulty = {
    calls: [] as string[],
    /** The answers of methods whose object is not called. */
    answers: {} as Readonly<Record<string, unknown>>,
    intercept: (_method: string, _object: string): Promise<unknown> | undefined => undefined,
    objects: env.SESSIONS,
  };
  const get = (...args: Parameters<DurableObjectNamespace["get"]>) => {
    const stub = env.SESSIONS.get(...args) as unknown as Readonly<Record<string, Method>>;
    return new Proxy(stub, {
      get: (target, method: string): Method =>
        async function call(...sent) {
          faulty.calls.push(method);
          await faulty.intercept(method, args[0].name ?? "");
          return faulty.answers[method] ?? target[method]!(...sent);
        },
    });
  };
  const idFromName = (name: string) => env.SESSIONS.idFromName(name);
  faulty.objects = { idFromName, get } as unknown as DurableObjectNamespace;
  return faulty;
}

const fail = () => Promise.reject(new Error("the object failed"));
const never = () => new Promise<never>(() => undefined);

describe("sessions in Durable Objects", () => {
  it("a read of a session is one call of one object, once in a request, and a request without a cookie or with a malformed one makes none", async () => {
    const faulty = createFaultyObjects();
    const app = inObjects(3, faulty.objects)();
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    faulty.calls = [];
    expect(userIn(await ada.get("/me-twice"))).toBe("ada");
    expect(faulty.calls).toEqual(["read"]);
    expect(userIn(await app.browser().get("/me"))).toBeUndefined();
    const hostile = app.browser();
    hostile.cookie = "__Host-session=../../etc";
    expect(userIn(await hostile.get("/me"))).toBeUndefined();
    expect(faulty.calls).toEqual(["read"]);
  });

  it("the operations on sessions make the calls that the documentation lists", async () => {
    const faulty = createFaultyObjects();
    const app = inObjects(1, faulty.objects)();
    const ada = app.browser();
    const callsOf = async (act: () => Promise<unknown>): Promise<readonly string[]> => {
      faulty.calls = [];
      await act();
      return [...faulty.calls];
    };
    const ctx = createTestContext();
    expect(await callsOf(() => ada.post("/sign-in/ada"))).toEqual(["place", "store"]);
    expect(await callsOf(() => app.sessions.list("ada", ctx))).toEqual(["list", "peek"]);
    expect(await callsOf(() => ada.post("/rotate"))).toEqual([
      "read",
      "copy",
      "store",
      "remove",
      "drop",
    ]);
    expect(await callsOf(() => ada.post("/sign-out"))).toEqual(["read", "remove", "drop"]);
    expect(await callsOf(() => app.sessions.revokeAll("ada", ctx))).toEqual(["endAll"]);
  });

  it.each([
    ["fails", fail],
    ["does not answer", never],
  ] as const)(
    "while a session object %s, a request with a session cookie gets a 503, a page without a session goes on, and the session is there afterwards",
    async (_, broken) => {
      const faulty = createFaultyObjects();
      const ada = inObjects(1, faulty.objects)().browser();
      await ada.post("/sign-in/ada");
      faulty.intercept = broken;
      expect((await ada.get("/me")).status).toBe(503);
      expect((await ada.get("/public")).status).toBe(200);
      faulty.intercept = () => undefined;
      expect(userIn(await ada.get("/me"))).toBe("ada");
    },
  );

  it("a sign-in whose session cannot be stored ends neither the session that it would replace nor the oldest one", async () => {
    const faulty = createFaultyObjects();
    const app = inObjects(1, faulty.objects)({ sessions: { maxPerUser: 2 } });
    const [first, second] = [app.browser(), app.browser()];
    await first.post("/sign-in/ada");
    await second.post("/sign-in/ada");
    faulty.intercept = (method) => (method === "store" ? fail() : undefined);
    expect((await second.post("/sign-in/ada")).status).toBe(503);
    expect((await app.browser().post("/sign-in/ada")).status).toBe(503);
    faulty.intercept = () => undefined;
    expect(userIn(await first.get("/me"))).toBe("ada");
    expect(userIn(await second.get("/me"))).toBe("ada");
  });

  it("with another number of objects no session is found, so that none escapes its revocation", async () => {
    const app = inObjects(1)();
    const browsers = Array.from({ length: 12 }, () => app.browser());
    for (const [i, browser] of browsers.entries()) await browser.post(`/sign-in/user-${i}`);
    const changed = inObjects(3)({}, app.namespace);
    for (const { cookie } of browsers) {
      const browser = changed.browser();
      browser.cookie = cookie;
      expect(userIn(await browser.get("/me"))).toBeUndefined();
    }
  });

  it("after three failed calls of one session object its breaker refuses further ones without a call, and the sessions of another object are read", async () => {
    const faulty = createFaultyObjects();
    const app = inObjects(2, faulty.objects)();
    const browsers = Array.from({ length: 12 }, () => app.browser());
    const objectOf = new Map<object, string>();
    for (const [i, browser] of browsers.entries()) {
      await browser.post(`/sign-in/user-${i}`);
      faulty.intercept = (_method, object) => void objectOf.set(browser, object);
      await browser.get("/me");
      faulty.intercept = () => undefined;
    }
    const [first] = browsers;
    const broken = objectOf.get(first!);
    const other = browsers.find((browser) => objectOf.get(browser) !== broken);
    faulty.intercept = (_method, object) => (object === broken ? fail() : undefined);
    for (let i = 0; i < 3; i++) expect((await first!.get("/me")).status).toBe(503);
    faulty.calls = [];
    expect((await first!.get("/me")).status).toBe(503);
    expect(faulty.calls).toEqual([]);
    expect(userIn(await other!.get("/me"))).toMatch(/^user-/);
  });

  it("the answer of a session object that comes after the time limit is not used, so that a session is not seen long after its revocation", async () => {
    const faulty = createFaultyObjects();
    const app = inObjects(1, faulty.objects)();
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    // The clock moves while the call is under way, as on an isolate whose timer fires late.
    faulty.intercept = async () => app.clock.advance(1_001);
    expect((await ada.get("/me")).status).toBe(503);
  });

  it("a sign-in whose user has all sessions revoked between its two calls gets no session", async () => {
    const faulty = createFaultyObjects();
    const app = inObjects(3, faulty.objects)();
    const ctx = createTestContext();
    faulty.intercept = async (method) => {
      if (method !== "store") return;
      faulty.intercept = () => undefined;
      await app.sessions.revokeAll("ada", ctx);
    };
    const ada = app.browser();
    expect((await ada.post("/sign-in/ada")).headers.get("Set-Cookie")).toBeNull();
    expect(userIn(await ada.get("/me"))).toBeUndefined();
    expect(await app.sessions.list("ada", ctx)).toEqual([]);
  });

  it("a rotation during a revocation of all sessions of its user makes no session that outlives the revocation", async () => {
    const faulty = createFaultyObjects();
    const app = inObjects(3, faulty.objects)();
    const ctx = createTestContext();
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    // The rotation happens after the list of the user was read, and before its sessions end.
    faulty.intercept = async (method) => {
      if (method !== "remove") return;
      faulty.intercept = () => undefined;
      await ada.post("/rotate");
    };
    expect(await app.sessions.revokeAll("ada", ctx)).toBe(1);
    expect(userIn(await ada.get("/me"))).toBeUndefined();
    expect(await app.sessions.list("ada", ctx)).toEqual([]);
  });

  it("a sign-in whose session object is full is an error of the store, and leaves no session", async () => {
    const faulty = createFaultyObjects();
    const app = inObjects(1, faulty.objects)();
    faulty.answers = { store: "full" };
    const { status, body } = await app.browser().post("/sign-in/ada");
    expect([status, body]).toEqual([503, expect.stringContaining("store.saturated")]);
    expect(await app.sessions.list("ada", createTestContext())).toEqual([]);
  });

  it("a revocation of all sessions that fails on the way finds the session again when it is repeated", async () => {
    const faulty = createFaultyObjects();
    const app = inObjects(3, faulty.objects)();
    const ada = app.browser();
    await ada.post("/sign-in/ada");
    const ctx = createTestContext();
    faulty.intercept = (method) => (method === "remove" ? fail() : undefined);
    await expect(app.sessions.revokeAll("ada", ctx)).rejects.toThrow("the object failed");
    faulty.intercept = () => undefined;
    expect(userIn(await ada.get("/me"))).toBe("ada");
    expect(await app.sessions.revokeAll("ada", ctx)).toBe(1);
    expect(userIn(await ada.get("/me"))).toBeUndefined();
  });
});
