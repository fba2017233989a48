import { afterEach, describe, expect, it, vi } from "vitest";
import { attempt, createRedis } from "../../src/redis/client.ts";

const options = { url: "https://redis.test", token: "secret-token", timeoutMs: 5_000 };

interface Sent {
  readonly url: string;
  readonly body: unknown;
  readonly headers: Headers;
}

/** Replaces fetch: every request gets this answer. Returns the requests. */
function answering(answer: () => Response | Promise<Response>): Sent[] {
  const sent: Sent[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    sent.push({ url, body: init.body, headers: new Headers(init.headers) });
    return answer();
  });
  return sent;
}

describe("the Redis client", () => {
  afterEach(() => void vi.unstubAllGlobals());

  it("the Redis client never repeats a request that failed", async () => {
    const sent = answering(() => Promise.reject(new TypeError("refused")));
    await attempt(() => createRedis(options).get("k"));
    expect(sent).toHaveLength(1);
  });

  it("the Redis client sends a command unchanged, and returns a reply that looks like a number as text", async () => {
    const sent = answering(() => Response.json({ result: "1e2" }));
    const redis = createRedis(options);
    // A value that looks like a number or JSON stays a text.
    expect(await attempt(() => redis.get("k"))).toEqual({ ok: true, value: "1e2" });
    expect(sent[0]?.body).toBe('["get","k"]');
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer secret-token");
    expect([...(sent[0]?.headers.keys() ?? [])].join()).not.toContain("telemetry");
  });

  it("the Redis client sends no upstash-sync-token after a write, so that no read waits for a replica", async () => {
    const sent = answering(() =>
      Response.json({ result: "OK" }, { headers: { "upstash-sync-token": "token-of-the-write" } }),
    );
    const redis = createRedis(options);
    await redis.set("a", "b");
    await redis.evalRo("return 1", [], []);
    await redis.zrange("log", 0, -1);
    expect(sent.map(({ headers }) => headers.get("upstash-sync-token"))).toEqual([
      null,
      null,
      null,
    ]);
  });

  it.each([
    [400, "WRONGTYPE Operation against a key holding the wrong kind of value", "rejected"],
    [400, "NOSCRIPT No matching script. Please use EVAL.", "rejected"],
    [400, "OOM command not allowed when used memory > 'maxmemory'", "rejected"],
    [400, "ERR max request size exceeded. Limit: 10485760 bytes, Actual: 10500000", "rejected"],
    [400, "ERR max single record size exceeded", "rejected"],
    [400, "ERR max record size exceeded", "rejected"],
    [400, "ERR max key size exceeded. Limit: 32768 bytes, Actual: 40000", "rejected"],
    [400, "ERR DB capacity quota exceeded", "rejected"],
    [401, "WRONGPASS invalid password", "rejected"],
    [401, "Unauthorized", "rejected"],
    [400, "NOPERM this user has no permissions to run the command", "rejected"],
    [500, "ERR internal error", "unavailable"],
    [429, "ERR max daily request limit exceeded. Limit: 10000", "unavailable"],
    [502, "", "unavailable"],
  ])(
    "the Redis client turns a response with status %i and the error %j into a fault with the code redis.%3$s",
    async (status, error, code) => {
      answering(() => Response.json({ error }, { status }));
      const result = await attempt(() => createRedis(options).set("a-key", "a-value"));
      expect(result).toMatchObject({ ok: false, fault: { code: `redis.${code}` } });
      const message = result.ok ? "" : result.fault.message;
      expect(message).not.toMatch(/a-key|a-value|secret/);
      if (error !== "") expect(error.startsWith(message)).toBe(true);
    },
  );

  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'", "rejected"],
    ["ERR something else", "unavailable"],
  ])(
    "the Redis client turns the pipeline error %j into a fault with the code redis.%s and the message of Redis",
    async (error, code) => {
      answering(() => Response.json([{ result: "OK" }, { error }]));
      const pipeline = createRedis(options).pipeline().set("a", "a-value").set("b", "b-value");
      expect(await attempt(() => pipeline.exec())).toEqual({
        ok: false,
        fault: { code: `redis.${code}`, message: error },
      });
    },
  );

  it.each([
    ["a page of a proxy", () => new Response("<html>secret-token a-value</html>", { status: 502 })],
    ["a page with status 200", () => new Response("<html>secret-token a-value</html>")],
    ["no body", () => new Response(null)],
    ["an error that is no text", () => Response.json({ error: { a: "a-value" } }, { status: 400 })],
    ["a refused connection", () => Promise.reject(new TypeError("fetch to secret-token failed"))],
    ["a lost connection", () => Promise.reject(new Error("Network connection lost."))],
    ["a thrown value that is no Error", () => Promise.reject("secret-token")],
  ])(
    "for %s, the Redis client returns the error code `redis.unavailable` without the text of the response",
    async (_, answer) => {
      answering(answer);
      const result = await attempt(() => createRedis(options).set("k", "a-value"));
      expect(result).toMatchObject({ ok: false, fault: { code: "redis.unavailable" } });
      expect(JSON.stringify(result)).not.toMatch(/secret|a-value|html/);
    },
  );

  it("the Redis client aborts a request at its deadline and returns the error code `redis.timeout`", async () => {
    vi.stubGlobal("fetch", (_: string, { signal }: { signal: AbortSignal }) => {
      const { promise, reject } = Promise.withResolvers<Response>();
      signal.addEventListener("abort", () => reject(signal.reason));
      return promise;
    });
    const result = await attempt(() => createRedis({ ...options, timeoutMs: 5 }).get("k"));
    expect(result).toMatchObject({ ok: false, fault: { code: "redis.timeout" } });
  });
});
