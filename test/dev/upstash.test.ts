/** Upstash's REST protocol, from https://upstash.com/docs/redis/features/restapi and its own SDK. */
import { createHash } from "node:crypto";
import { Redis } from "@upstash/redis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createRedisGateway } from "../../dev/gateway/redis.ts";
import { availableEngines } from "./support/engines.ts";
import type { OpenEngine } from "./support/engines.ts";
import { serveGateways } from "./support/gateways.ts";
import type { TestGateways } from "./support/gateways.ts";

const TOKEN = "the-token";
const OPTIONS = { token: TOKEN, enableTelemetry: false, retry: { retries: 0 } } as const;

describe.each(availableEngines())("the Upstash gateway over the $name engine", ({ open }) => {
  let opened: OpenEngine;
  let gateways: TestGateways;
  let redis: Redis;
  let url: string;

  beforeAll(async () => {
    opened = await open();
    gateways = await serveGateways((counts) => [createRedisGateway({ engine: opened.engine, token: TOKEN, counts })]);
    url = `${gateways.url}/redis`;
    redis = new Redis({ url, ...OPTIONS });
  });
  afterAll(async () => {
    await gateways.close();
    await opened.close();
  });
  beforeEach(async () => {
    await opened.engine.wipe();
    await gateways.resetCounts();
  });

  /** One raw request, for what the SDK does not show. */
  async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<[number, unknown]> {
    const response = await fetch(url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return [response.status, await response.json()];
  }

  describe("one command", () => {
    it("is a JSON array and answers {result}", async () => {
      expect(await post("", ["SET", "k", "v"])).toEqual([200, { result: "OK" }]);
      expect(await post("", ["GET", "k"])).toEqual([200, { result: "v" }]);
      expect(await post("", ["GET", "none"])).toEqual([200, { result: null }]);
      expect(await post("", ["INCR", "n"])).toEqual([200, { result: 1 }]);
    });

    it("answers 400 and {error} when Redis refuses it", async () => {
      expect(await post("", ["GET"])).toEqual([400, { error: "ERR wrong number of arguments for 'get' command" }]);
      await post("", ["SET", "k", "v"]);
      expect(await post("", ["INCR", "k"])).toEqual([400, { error: "ERR value is not an integer or out of range" }]);
    });

    it("takes numbers and booleans as they were written, digit by digit", async () => {
      expect(await post("", '["SET", "n", 9007199254740993]')).toEqual([200, { result: "OK" }]);
      expect(await post("", ["GET", "n"])).toEqual([200, { result: "9007199254740993" }]);
      await post("", '["MSET", "a", 1.10, "b", true]');
      expect(await post("", ["MGET", "a", "b"])).toEqual([200, { result: ["1.10", "true"] }]);
    });

    it("can be a path, its body the last argument", async () => {
      const headers = { authorization: `Bearer ${TOKEN}` };
      const set = await fetch(`${url}/set/a%2Fb/hello%20world/EX/100`, { headers });
      expect(await set.json()).toEqual({ result: "OK" });
      await fetch(`${url}/set/bin?px=90000`, { method: "POST", headers, body: Buffer.from([0, 255, 10]) });
      const [, encoded] = await post("", ["MGET", "a/b", "bin"], { "upstash-encoding": "base64" });
      expect(encoded).toEqual({ result: [btoa("hello world"), Buffer.from([0, 255, 10]).toString("base64")] });
      const [, ttl] = await post("", ["PTTL", "bin"]);
      expect((ttl as { result: number }).result).toBeGreaterThan(80_000);
    });
  });

  describe("base64 encoding", () => {
    const encoding = { "upstash-encoding": "base64" };

    it("encodes every string, nested ones too, and leaves numbers, null and the status OK", async () => {
      expect(await post("", ["SET", "k", "OK"], encoding)).toEqual([200, { result: "OK" }]);
      expect(await post("", ["PING"], encoding)).toEqual([200, { result: btoa("PONG") }]);
      expect(await post("", ["INCR", "n"], encoding)).toEqual([200, { result: 1 }]);
      expect(await post("", ["EVAL", "return {'a', {'b', 1}, false, {ok = 'OK'}}", "0"], encoding)).toEqual([
        200,
        { result: [btoa("a"), [btoa("b"), 1], null, btoa("OK")] },
      ]);
    });

    it("leaves errors as text", async () => {
      expect(await post("", ["GET"], encoding)).toEqual([400, { error: "ERR wrong number of arguments for 'get' command" }]);
    });

    it.each(["", "OK", "naïve €𐍈", '{"json":[1]}', "line\nbreak\0zero", "true", "007"])(
      "returns %j through the SDK as it went in",
      async (value) => {
        const plain = new Redis({ url, ...OPTIONS, automaticDeserialization: false });
        const unencoded = new Redis({ url, ...OPTIONS, automaticDeserialization: false, responseEncoding: false });
        expect(await plain.set("k", value)).toBe("OK");
        expect(await plain.get("k")).toBe(value);
        expect(await unencoded.get("k")).toBe(value);
        expect(await plain.mget("k", "none")).toEqual([value, null]);
      },
    );
  });

  describe("authorisation", () => {
    it.each([
      ["no token", undefined, "Unauthorized"],
      ["another scheme", `Basic ${TOKEN}`, "Unauthorized"],
      ["a wrong token", "Bearer wrong", "WRONGPASS invalid or missing auth token"],
    ])("refuses %s with 401", async (_name, authorization, error) => {
      const response = await fetch(url, {
        method: "POST",
        body: '["PING"]',
        ...(authorization === undefined ? {} : { headers: { authorization } }),
      });
      expect(response.status).toBe(401);
      expect(await response.json()).toEqual({ error });
      expect((await gateways.counts()).redis).toEqual({ requests: 0, commands: 0 });
    });

    it("takes the token as a query parameter too", async () => {
      const response = await fetch(`${url}/get/k?_token=${TOKEN}`);
      expect(await response.json()).toEqual({ result: null });
    });

    it("reaches the SDK's caller as an error", async () => {
      const stranger = new Redis({ url, ...OPTIONS, token: "wrong" });
      await expect(stranger.get("k")).rejects.toThrow("WRONGPASS");
    });
  });

  describe("pipelines", () => {
    it("answer each command, errors among them", async () => {
      const commands = [["SET", "k", "v"], ["INCR", "k"], ["GET", "k"], ["NOPE"]];
      const [status, results] = await post("/pipeline", commands);
      expect(status).toBe(200);
      expect(results).toMatchObject([
        { result: "OK" },
        { error: "ERR value is not an integer or out of range" },
        { result: "v" },
        { error: expect.stringContaining("unknown command 'NOPE'") },
      ]);
    });

    it("carry the SDK's pipeline and its auto-pipelining", async () => {
      const pipeline = redis.pipeline();
      pipeline.set("a", { n: 1 });
      pipeline.get("a");
      pipeline.zadd("z", { score: 1, member: "m" });
      expect(await pipeline.exec()).toEqual(["OK", { n: 1 }, 1]);
      await gateways.resetCounts();

      const automatic = new Redis({ url, ...OPTIONS, enableAutoPipelining: true });
      expect(await Promise.all([automatic.get("a"), automatic.exists("a"), automatic.get("none")])).toEqual([
        { n: 1 },
        1,
        null,
      ]);
      expect((await gateways.counts()).redis).toEqual({ requests: 1, commands: 3 });
    });
  });

  describe("transactions", () => {
    it("run as a whole and answer each command", async () => {
      const transaction = redis.multi();
      transaction.set("k", "v");
      transaction.incr("n");
      transaction.get("k");
      expect(await transaction.exec()).toEqual(["OK", 1, "v"]);
    });

    it("go on after a command that fails while it runs", async () => {
      const results = await post("/multi-exec", [["SET", "k", "v"], ["INCR", "k"], ["SET", "after", "1"]]);
      expect(results).toEqual([
        200,
        [{ result: "OK" }, { error: "ERR value is not an integer or out of range" }, { result: "OK" }],
      ]);
    });

    it("are discarded by a command that cannot be queued", async () => {
      const [status, body] = await post("/multi-exec", [["SET", "k", "v"], ["NOPE"]]);
      expect(status).toBe(400);
      expect(body).toEqual({ error: "EXECABORT Transaction discarded because of previous errors." });
      expect(await redis.get("k")).toBeNull();
    });

    it("let nothing in between", async () => {
      const bump = [["INCR", "n"], ["GET", "n"], ["INCR", "n"], ["GET", "n"]];
      const answers = await Promise.all(Array.from({ length: 50 }, () => post("/multi-exec", bump)));
      for (const [, body] of answers) {
        const [first, text, second] = body as { result: number | string }[];
        expect(Number(text?.result)).toBe(first?.result);
        expect(second?.result).toBe(Number(first?.result) + 1);
      }
      expect(await redis.get("n")).toBe(100);
    });

    it("hold scripts", async () => {
      const transaction = redis.multi();
      transaction.eval("return redis.call('INCR', KEYS[1])", ["n"], []);
      transaction.get("n");
      expect(await transaction.exec()).toEqual([1, 1]);
    });
  });

  describe("scripts", () => {
    it("run by body, by hash, and read-only", async () => {
      const script = redis.createScript<string>("return ARGV[1] .. KEYS[1]");
      expect(await script.exec(["k"], ["a"])).toBe("ak");
      const reading = redis.createScript<number>("return redis.call('EXISTS', KEYS[1])", { readonly: true });
      expect(await reading.exec(["k"], [])).toBe(0);
      await expect(redis.evalRo("return redis.call('SET', KEYS[1], '1')", ["k"], [])).rejects.toThrow(
        "Write commands are not allowed from read-only scripts",
      );
    });

    it("answer NOSCRIPT for an unknown hash, on which the SDK sends the body", async () => {
      const sha = "0000000000000000000000000000000000000000";
      expect(await post("", ["EVALSHA", sha, "0"])).toEqual([
        400,
        { error: "NOSCRIPT No matching script. Please use EVAL." },
      ]);
      await redis.scriptFlush();
      const script = redis.createScript<number>("return 40 + 2");
      await gateways.resetCounts();
      expect(await script.exec([], [])).toBe(42);
      expect(await script.exec([], [])).toBe(42);
      expect((await gateways.counts()).redis.requests).toBe(3);
    });

    it("keep the hash of what was sent although Upstash's own flag is taken out", async () => {
      const source = "#!lua flags=allow-key-locking\nreturn redis.call('INCR', KEYS[1])";
      const sha = await redis.scriptLoad(source);
      expect(sha).toBe(createHash("sha1").update(source).digest("hex"));
      expect(await redis.evalsha(sha, ["n"], [])).toBe(1);
      expect(await redis.scriptExists(sha)).toEqual([1]);
      await opened.engine.wipe();
      expect(await redis.evalsha(sha, ["n"], [])).toBe(1);
    });

    it("are counted as one command plus those that they call, failed ones too", async () => {
      await redis.eval("redis.call('SET', KEYS[1], '1') redis.pcall('INCR', KEYS[1]) return redis.call('GET', KEYS[1])", ["k"], []);
      expect((await gateways.counts()).redis).toEqual({ requests: 1, commands: 4 });
      await gateways.resetCounts();
      await expect(redis.eval("redis.call('GET', 'k') error('no')", [], [])).rejects.toThrow("no");
      expect((await gateways.counts()).redis).toEqual({ requests: 1, commands: 2 });
    });
  });

  describe("publish and subscribe", () => {
    it("deliver through the SDK's subscriber", async () => {
      const subscriber = redis.subscribe<{ n: number }>("news");
      const subscribed = new Promise<unknown>((resolve) => subscriber.on("subscribe", resolve));
      const message = new Promise<unknown>((resolve) => subscriber.on("message", resolve));
      await subscribed;
      expect(await redis.publish("news", { n: 1 })).toBe(1);
      expect(await message).toEqual({ channel: "news", message: { n: 1 } });
      await subscriber.unsubscribe();
      await expect.poll(() => redis.publish("news", "late")).toBe(0);
    });

    it("match patterns", async () => {
      const subscriber = redis.psubscribe<string>("stock:*");
      const subscribed = new Promise<unknown>((resolve) => subscriber.on("psubscribe", resolve));
      const message = new Promise<unknown>((resolve) => subscriber.on("pmessage", resolve));
      await subscribed;
      await redis.publish("other", '"no"');
      await redis.publish("stock:7", '"yes"');
      expect(await message).toEqual({ pattern: "stock:*", channel: "stock:7", message: "yes" });
      await subscriber.unsubscribe();
    });

    it("speak server-sent events", async () => {
      const controller = new AbortController();
      const response = await fetch(`${url}/subscribe/plain%20name`, {
        headers: { authorization: `Bearer ${TOKEN}`, accept: "text/event-stream" },
        signal: controller.signal,
      });
      expect(response.headers.get("content-type")).toBe("text/event-stream");
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      expect((await reader.read()).value).toBe("data: subscribe,plain name,1\n\n");
      await redis.publish("plain name", "hello");
      expect((await reader.read()).value).toBe("data: message,plain name,hello\n\n");
      controller.abort();
    });
  });

  describe("refuses", () => {
    it.each([
      ["invalid JSON", "", '["GET", ', "ERR failed to parse command"],
      ["an object", "", "{}", "ERR failed to parse command"],
      ["nothing", "", "", "ERR failed to parse command"],
      ["an empty command", "", "[]", "ERR empty command"],
      ["a null argument", "", '["GET", null]', "ERR failed to parse command"],
      ["a nested argument", "", '["GET", ["a"]]', "ERR failed to parse command"],
      ["a pipeline that is no array", "/pipeline", '{"a":1}', "ERR failed to parse pipeline request"],
      ["a pipeline of words", "/pipeline", '["GET", "a"]', "ERR failed to parse pipeline request"],
      ["an empty transaction", "/multi-exec", "[]", "ERR empty multi-exec request"],
      ["a channel without a name", "/subscribe", "", "ERR one channel is needed"],
      ["a broken path", "/get/%E0%A4%A", "", "ERR failed to parse command"],
    ])("%s with 400", async (_name, path, body, error) => {
      const [status, answer] = await post(path, body);
      expect(status).toBe(400);
      expect((answer as { error: string }).error).toContain(error);
    });

    it.each(["MULTI", "SUBSCRIBE", "BLPOP", "CONFIG", "SHUTDOWN", "SELECT", "DEBUG"])(
      "%s, which the REST API does not offer",
      async (name) => {
        const [status, answer] = await post("", [name, "a", "0"]);
        expect(status).toBe(400);
        expect((answer as { error: string }).error).toContain(`Command is not available: '${name}'`);
        expect(await redis.ping()).toBe("PONG");
      },
    );

    it("a body over 10 MB with 413, and takes one just below", async () => {
      const [status, answer] = await post("", ["SET", "k", "x".repeat(10 * 1024 * 1024)]);
      expect(status).toBe(413);
      expect((answer as { error: string }).error).toContain("larger than");
      expect(await post("", ["SET", "k", "x".repeat(10 * 1024 * 1024 - 100)])).toEqual([200, { result: "OK" }]);
    });

    it("other methods with 405", async () => {
      const response = await fetch(url, { method: "DELETE", headers: { authorization: `Bearer ${TOKEN}` } });
      expect(response.status).toBe(405);
    });
  });

  it("stores hostile keys as what they are", async () => {
    const keys = ["__proto__", "constructor", "a\nb", "", "€".repeat(3_000), "k'\"\\", "{tag}:x"];
    for (const [index, key] of keys.entries()) await redis.set(key, index);
    expect(await redis.mget(...keys)).toEqual(keys.map((_key, index) => index));
    expect(await redis.del(...keys)).toBe(keys.length);
  });

  it("expires keys", async () => {
    await redis.set("k", "v", { px: 40 });
    expect(await redis.pttl("k")).toBeGreaterThan(0);
    await expect.poll(() => redis.get("k")).toBeNull();
    expect(await redis.dbsize()).toBe(0);
  });
});
