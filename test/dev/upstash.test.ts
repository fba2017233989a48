/**
 * Tests Upstash's REST protocol, by https://upstash.com/docs/redis/features/restapi and its SDK.
 */
import type { Redis } from "@upstash/redis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { availableEngines } from "./support/engines.ts";
import { openUpstash, TOKEN } from "./support/upstash.ts";
import type { TestUpstash } from "./support/upstash.ts";

describe.each(availableEngines())("the Upstash gateway over the $name engine", (choice) => {
  let upstash: TestUpstash;
  let redis: Redis;

  beforeAll(async () => {
    upstash = await openUpstash(choice);
    redis = upstash.client();
  });
  afterAll(() => upstash.close());
  beforeEach(async () => {
    await upstash.engine.wipe();
    await upstash.gateways.resetCounts();
  });

  describe("one command", () => {
    it("the local Upstash gateway takes a command as a JSON array and answers with {result}", async () => {
      expect(await upstash.post("", ["SET", "k", "v"])).toEqual([200, { result: "OK" }]);
      expect(await upstash.post("", ["GET", "k"])).toEqual([200, { result: "v" }]);
      expect(await upstash.post("", ["GET", "none"])).toEqual([200, { result: null }]);
      expect(await upstash.post("", ["INCR", "n"])).toEqual([200, { result: 1 }]);
    });

    it("the local Upstash gateway answers a command that Redis rejects with 400 and {error}", async () => {
      expect(await upstash.post("", ["GET"])).toEqual([
        400,
        { error: "ERR wrong number of arguments for 'get' command" },
      ]);
      await upstash.post("", ["SET", "k", "v"]);
      expect(await upstash.post("", ["INCR", "k"])).toEqual([
        400,
        { error: "ERR value is not an integer or out of range" },
      ]);
    });

    it("the local Upstash gateway passes numbers and booleans of a JSON command to Redis with their exact text", async () => {
      expect(await upstash.post("", '["SET", "n", 9007199254740993]')).toEqual([
        200,
        { result: "OK" },
      ]);
      expect(await upstash.post("", ["GET", "n"])).toEqual([200, { result: "9007199254740993" }]);
      await upstash.post("", '["MSET", "a", 1.10, "b", true]');
      expect(await upstash.post("", ["MGET", "a", "b"])).toEqual([
        200,
        { result: ["1.10", "true"] },
      ]);
    });

    it("the local Upstash gateway accepts a command as a URL path, with the request body as the last argument", async () => {
      const headers = { authorization: `Bearer ${TOKEN}` };
      const set = await fetch(`${upstash.url}/set/a%2Fb/hello%20world/EX/100`, { headers });
      expect(await set.json()).toEqual({ result: "OK" });
      await fetch(`${upstash.url}/set/bin?px=90000`, {
        method: "POST",
        headers,
        body: Buffer.from([0, 255, 10]),
      });
      const [, encoded] = await upstash.post("", ["MGET", "a/b", "bin"], {
        "upstash-encoding": "base64",
      });
      expect(encoded).toEqual({
        result: [btoa("hello world"), Buffer.from([0, 255, 10]).toString("base64")],
      });
      const [, ttl] = await upstash.post("", ["PTTL", "bin"]);
      expect((ttl as { result: number }).result).toBeGreaterThan(80_000);
    });
  });

  describe("base64 encoding", () => {
    const encoding = { "upstash-encoding": "base64" };

    it("base64 encoding of the local Upstash gateway applies to nested strings, but not to numbers, null and the status OK", async () => {
      expect(await upstash.post("", ["SET", "k", "OK"], encoding)).toEqual([200, { result: "OK" }]);
      expect(await upstash.post("", ["PING"], encoding)).toEqual([200, { result: btoa("PONG") }]);
      expect(await upstash.post("", ["INCR", "n"], encoding)).toEqual([200, { result: 1 }]);
      expect(
        await upstash.post(
          "",
          ["EVAL", "return {'a', {'b', 1}, false, {ok = 'OK'}}", "0"],
          encoding,
        ),
      ).toEqual([200, { result: [btoa("a"), [btoa("b"), 1], null, btoa("OK")] }]);
    });

    it("the local Upstash gateway does not encode errors in base64", async () => {
      expect(await upstash.post("", ["GET"], encoding)).toEqual([
        400,
        { error: "ERR wrong number of arguments for 'get' command" },
      ]);
    });

    it.each(["", "OK", "naïve €𐍈", '{"json":[1]}', "line\nbreak\0zero", "true", "007"])(
      "the Upstash SDK reads the stored text %j back unchanged from the local Upstash gateway",
      async (value) => {
        const plain = upstash.client({ automaticDeserialization: false });
        const unencoded = upstash.client({
          automaticDeserialization: false,
          responseEncoding: false,
        });
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
    ])(
      "a request to the local Upstash gateway with %s gets 401",
      async (_name, authorization, error) => {
        const response = await fetch(upstash.url, {
          method: "POST",
          body: '["PING"]',
          ...(authorization === undefined ? {} : { headers: { authorization } }),
        });
        expect(response.status).toBe(401);
        expect(await response.json()).toEqual({ error });
        expect((await upstash.gateways.counts()).redis).toEqual({ requests: 0, commands: 0 });
      },
    );

    it("the local Upstash gateway accepts its token in the query parameter `_token`", async () => {
      const response = await fetch(`${upstash.url}/get/k?_token=${TOKEN}`);
      expect(await response.json()).toEqual({ result: null });
    });

    it("the local Upstash gateway rejects a call of the Upstash SDK with a wrong token with the error WRONGPASS", async () => {
      const stranger = upstash.client({ token: "wrong" });
      await expect(stranger.get("k")).rejects.toThrow("WRONGPASS");
    });
  });

  describe("invalid requests", () => {
    it.each([
      ["invalid JSON", "", '["GET", ', "ERR failed to parse command"],
      ["an object", "", "{}", "ERR failed to parse command"],
      ["no body", "", "", "ERR failed to parse command"],
      ["an empty command", "", "[]", "ERR empty command"],
      ["a null argument", "", '["GET", null]', "ERR failed to parse command"],
      ["a nested argument", "", '["GET", ["a"]]', "ERR failed to parse command"],
      [
        "a pipeline that is no array",
        "/pipeline",
        '{"a":1}',
        "ERR failed to parse pipeline request",
      ],
      ["a pipeline of words", "/pipeline", '["GET", "a"]', "ERR failed to parse pipeline request"],
      ["an empty transaction", "/multi-exec", "[]", "ERR empty multi-exec request"],
      ["a channel without a name", "/subscribe", "", "ERR one channel is needed"],
      ["a broken path", "/get/%E0%A4%A", "", "ERR failed to parse command"],
    ])(
      "a request to the local Upstash gateway with %s gets 400",
      async (_name, path, body, error) => {
        const [status, answer] = await upstash.post(path, body);
        expect(status).toBe(400);
        expect((answer as { error: string }).error).toContain(error);
      },
    );

    it.each(["MULTI", "SUBSCRIBE", "BLPOP", "CONFIG", "SHUTDOWN", "SELECT", "DEBUG"])(
      "the command %s gets 400 from the local Upstash gateway, because the REST API of Upstash does not offer it",
      async (name) => {
        const [status, answer] = await upstash.post("", [name, "a", "0"]);
        expect(status).toBe(400);
        expect((answer as { error: string }).error).toContain(
          `Command is not available: '${name}'`,
        );
        expect(await redis.ping()).toBe("PONG");
      },
    );

    it("the local Upstash gateway answers 413 to a request body over 10 MB, and accepts a slightly smaller body", async () => {
      const [status, answer] = await upstash.post("", ["SET", "k", "x".repeat(10 * 1024 * 1024)]);
      expect(status).toBe(413);
      expect((answer as { error: string }).error).toContain("larger than");
      expect(await upstash.post("", ["SET", "k", "x".repeat(10 * 1024 * 1024 - 100)])).toEqual([
        200,
        { result: "OK" },
      ]);
    });

    it("the local Upstash gateway answers 405 to the method DELETE", async () => {
      const response = await fetch(upstash.url, {
        method: "DELETE",
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      expect(response.status).toBe(405);
    });
  });

  it("the local Upstash gateway accepts the empty key, the key `__proto__` and keys with special characters", async () => {
    const keys = ["__proto__", "constructor", "a\nb", "", "€".repeat(3_000), "k'\"\\", "{tag}:x"];
    for (const [index, key] of keys.entries()) await redis.set(key, index);
    expect(await redis.mget(...keys)).toEqual(keys.map((_key, index) => index));
    expect(await redis.del(...keys)).toBe(keys.length);
  });

  it("a key with a lifetime expires in the local Redis engine", async () => {
    await redis.set("k", "v", { px: 40 });
    expect(await redis.pttl("k")).toBeGreaterThan(0);
    await expect.poll(() => redis.get("k")).toBeNull();
    expect(await redis.dbsize()).toBe(0);
  });
});
