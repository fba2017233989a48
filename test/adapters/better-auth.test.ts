/** `secondaryStorage` under better-auth itself, without the other parts of the layer. */
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import { secondaryStorage, SessionsUnavailable } from "../../src/entries/better-auth.ts";
import { redisCommand } from "../support/gateway.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { loseNetwork, restoreNetwork } from "../support/network.ts";

afterEach(restoreNetwork);

const HOST = "https://shop.example";
const ADA = { email: "ada@shop.example", password: "correct horse battery", name: "Ada" };
const CREDENTIALS = { url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN };

const openStorage = (namespace: string) =>
  secondaryStorage({ ...CREDENTIALS, namespace, requests: { timeout: "10s" } });

function createAuth(namespace: string, rows: Record<string, object[]>) {
  const auth = betterAuth({
    baseURL: HOST,
    secret: "a secret of this test alone, 0123456789",
    database: memoryAdapter(rows),
    emailAndPassword: { enabled: true },
    secondaryStorage: openStorage(namespace),
    logger: { disabled: true },
    telemetry: { enabled: false },
  });
  async function call(method: string, path: string, cookie = "", body?: object) {
    const headers = {
      Origin: HOST,
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...(cookie !== "" && { Cookie: cookie }),
    };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await auth.handler(new Request(`${HOST}/api/auth${path}`, init));
    const cookies = response.headers.getSetCookie().map((line) => line.split(";")[0]);
    return { status: response.status, body: await response.text(), cookie: cookies.join("; ") };
  }
  const userOf = async (cookie: string) =>
    (JSON.parse((await call("GET", "/get-session", cookie)).body) as { user: object } | null)?.user;
  return { call, userOf };
}

describe("secondaryStorage of the entry strata/better-auth", () => {
  it("a session of better-auth is found in another isolate, and after the sign-out in none, without a bound", async () => {
    const namespace = uniqueNamespace();
    const rows = { user: [], session: [], account: [], verification: [] };
    const here = createAuth(namespace, rows);
    const there = createAuth(namespace, rows);
    const { status, cookie } = await here.call("POST", "/sign-up/email", "", ADA);
    expect(status).toBe(200);
    for (const auth of [here, there])
      expect(await auth.userOf(cookie)).toMatchObject({ name: "Ada" });
    expect(rows.session).toEqual([]);
    await there.call("POST", "/sign-out", cookie, {});
    for (const auth of [here, there]) expect(await auth.userOf(cookie)).toBeUndefined();
  });

  it("a value without a lifetime expires, and its key in Redis does not contain its name", async () => {
    const namespace = uniqueNamespace();
    const storage = openStorage(namespace);
    await storage.set("a secret token", "1");
    const keys = await redisCommand<string[]>("KEYS", `${namespace}:*`);
    expect(keys).toEqual([expect.stringMatching(/:auth:[0-9a-f]{64}$/)]);
    expect(await redisCommand<number>("PTTL", keys[0] ?? "")).toBeGreaterThan(0);
    expect(await storage.getAndDelete("a secret token")).toBe("1");
    expect(await storage.get("a secret token")).toBeNull();
    expect([await storage.increment("n", 60), await storage.increment("n", 60)]).toEqual([1, 2]);
  });

  it("while Redis cannot be reached, every method throws SessionsUnavailable", async () => {
    const storage = openStorage(uniqueNamespace());
    loseNetwork();
    await expect(storage.get("a")).rejects.toThrow(SessionsUnavailable);
    await expect(storage.set("a", "1")).rejects.toThrow(SessionsUnavailable);
    await expect(storage.delete("a")).rejects.toThrow(SessionsUnavailable);
  });

  it("wrong options are refused by name, and the message does not hold the token", () => {
    const wrong = () =>
      secondaryStorage({
        url: "redis://x",
        token: "a-secret",
        namespace: "A",
        requests: { failures: 0 },
      });
    expect(wrong).toThrow(/url: .*namespace: .*failures/);
    expect(wrong).not.toThrow("a-secret");
  });
});
