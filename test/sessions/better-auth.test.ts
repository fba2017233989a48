/** `strata.secondaryStorage` under better-auth itself: its sessions are in Redis, and nowhere else. */
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { afterEach, describe, expect, it } from "vitest";
import { redisCommand } from "../support/gateway.ts";
import { createTestIsolate, uniqueNamespace } from "../support/isolate.ts";
import { loseNetwork, restoreNetwork } from "../support/network.ts";

afterEach(restoreNetwork);

const HOST = "https://shop.example";
const ADA = { email: "ada@shop.example", password: "correct horse battery", name: "Ada" };

/** Isolates of one application share the database of better-auth and Redis. */
function createAuth(namespace = uniqueNamespace(), rows: Record<string, object[]> = tables()) {
  const { layer } = createTestIsolate({ namespace });
  const storage = layer.secondaryStorage;
  const auth = betterAuth({
    baseURL: HOST,
    secret: "a secret of this test alone, 0123456789",
    database: memoryAdapter(rows),
    emailAndPassword: { enabled: true },
    secondaryStorage: storage,
    rateLimit: { enabled: true, storage: "secondary-storage", window: 60, max: 100 },
    logger: { disabled: true },
    telemetry: { enabled: false },
  });

  async function call(method: string, path: string, cookie = "", body?: object) {
    const response = await auth.handler(
      new Request(`${HOST}/api/auth${path}`, {
        method,
        headers: {
          Origin: HOST,
          "X-Forwarded-For": "192.0.2.1",
          ...(body !== undefined && { "Content-Type": "application/json" }),
          ...(cookie !== "" && { Cookie: cookie }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    );
    const cookies = response.headers.getSetCookie().map((line) => line.split(";")[0]);
    return { status: response.status, body: await response.text(), cookie: cookies.join("; ") };
  }

  const userOf = async (cookie: string) => {
    const { status, body } = await call("GET", "/get-session", cookie);
    return status === 200
      ? (JSON.parse(body) as { user: { name: string } } | null)?.user.name
      : status;
  };

  return { namespace, rows, storage, call, userOf };
}

function tables(): Record<string, object[]> {
  return { user: [], session: [], account: [], verification: [] };
}

describe("better-auth with strata.secondaryStorage", () => {
  it("a session of better-auth is found in another isolate, ends with the sign-out in both, and is in no table of the database", async () => {
    const here = createAuth();
    const there = createAuth(here.namespace, here.rows);
    const { status, cookie } = await here.call("POST", "/sign-up/email", "", ADA);
    expect(status).toBe(200);
    expect(here.rows["session"]).toEqual([]);
    expect([await here.userOf(cookie), await there.userOf(cookie)]).toEqual(["Ada", "Ada"]);
    expect((await there.call("POST", "/sign-out", cookie, {})).status).toBe(200);
    expect([await here.userOf(cookie), await there.userOf(cookie)]).toEqual([undefined, undefined]);
  });

  it("a revocation of all sessions by better-auth ends the session of another device", async () => {
    const auth = createAuth();
    const first = await auth.call("POST", "/sign-up/email", "", ADA);
    const second = await auth.call("POST", "/sign-in/email", "", ADA);
    expect([await auth.userOf(first.cookie), await auth.userOf(second.cookie)]).toEqual([
      "Ada",
      "Ada",
    ]);
    expect((await auth.call("POST", "/revoke-sessions", second.cookie, {})).status).toBe(200);
    expect([await auth.userOf(first.cookie), await auth.userOf(second.cookie)]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it("no key of Redis contains a session token of better-auth, and every key has an expiry", async () => {
    const auth = createAuth();
    const { cookie } = await auth.call("POST", "/sign-up/email", "", ADA);
    const token = decodeURIComponent(cookie.split("=")[1] ?? "").split(".")[0] ?? "";
    expect(token).toHaveLength(32);
    const keys = await redisCommand<string[]>("KEYS", `${auth.namespace}:auth:*`);
    expect(keys.length).toBeGreaterThan(1);
    for (const key of keys) {
      expect(key).toMatch(/:auth:[0-9a-f]{64}$/);
      expect(await redisCommand<number>("PTTL", key)).toBeGreaterThan(0);
    }
    expect(keys.join(" ")).not.toContain(token);
  });

  it("while Redis cannot be reached, better-auth finds no session and does not sign in", async () => {
    const auth = createAuth();
    const { cookie } = await auth.call("POST", "/sign-up/email", "", ADA);
    loseNetwork();
    expect(await auth.userOf(cookie).catch(() => 500)).toBe(500);
    restoreNetwork();
  });
});

describe("strata.secondaryStorage", () => {
  it("a value is read until it is deleted, and read and deleted at once by getAndDelete", async () => {
    const { storage } = createAuth();
    expect(await storage.get("a")).toBeNull();
    await storage.set("a", '{"b":"ü"}', 60);
    expect(await storage.get("a")).toBe('{"b":"ü"}');
    expect(await storage.getAndDelete("a")).toBe('{"b":"ü"}');
    expect(await storage.getAndDelete("a")).toBeNull();
    await storage.set("a", "1", 60);
    await storage.delete("a");
    expect(await storage.get("a")).toBeNull();
  });

  it("a counter counts from 1 and keeps the expiry of its first increment, and a value without a lifetime expires all the same", async () => {
    const { storage, namespace } = createAuth();
    expect([await storage.increment("n", 60), await storage.increment("n", 6_000)]).toEqual([1, 2]);
    const [counter = ""] = await redisCommand<string[]>("KEYS", `${namespace}:auth:*`);
    expect(await redisCommand<number>("PTTL", counter)).toBeLessThanOrEqual(60_000);
    await storage.set("without", "1");
    for (const key of await redisCommand<string[]>("KEYS", `${namespace}:auth:*`))
      expect(await redisCommand<number>("PTTL", key)).toBeGreaterThan(0);
  });
});
