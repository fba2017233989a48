/**
 * Tests the parts of Upstash's REST protocol that combine commands: pipelines, transactions,
 * scripts and subscriptions.
 */
import { createHash } from "node:crypto";
import type { Redis } from "@upstash/redis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { availableEngines } from "./support/engines.ts";
import { openUpstash, TOKEN } from "./support/upstash.ts";
import type { TestUpstash } from "./support/upstash.ts";

describe.each(availableEngines())("composed requests over the $name engine", (choice) => {
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

  describe("pipelines", () => {
    it("the local Upstash gateway answers each command of a pipeline, including commands that fail", async () => {
      const commands = [["SET", "k", "v"], ["INCR", "k"], ["GET", "k"], ["NOPE"]];
      const [status, results] = await upstash.post("/pipeline", commands);
      expect(status).toBe(200);
      expect(results).toMatchObject([
        { result: "OK" },
        { error: "ERR value is not an integer or out of range" },
        { result: "v" },
        { error: expect.stringContaining("unknown command 'NOPE'") },
      ]);
    });

    it("the local Upstash gateway serves explicit and automatic pipelines of the Upstash SDK", async () => {
      const pipeline = redis.pipeline();
      pipeline.set("a", { n: 1 });
      pipeline.get("a");
      pipeline.zadd("z", { score: 1, member: "m" });
      expect(await pipeline.exec()).toEqual(["OK", { n: 1 }, 1]);
      await upstash.gateways.resetCounts();

      const automatic = upstash.client({ enableAutoPipelining: true });
      expect(
        await Promise.all([automatic.get("a"), automatic.exists("a"), automatic.get("none")]),
      ).toEqual([{ n: 1 }, 1, null]);
      expect((await upstash.gateways.counts()).redis).toEqual({ requests: 1, commands: 3 });
    });
  });

  describe("transactions", () => {
    it("the local Upstash gateway answers each command of a transaction", async () => {
      const transaction = redis.multi();
      transaction.set("k", "v");
      transaction.incr("n");
      transaction.get("k");
      expect(await transaction.exec()).toEqual(["OK", 1, "v"]);
    });

    it("a transaction through the local Upstash gateway continues after a command that fails", async () => {
      const results = await upstash.post("/multi-exec", [
        ["SET", "k", "v"],
        ["INCR", "k"],
        ["SET", "after", "1"],
      ]);
      expect(results).toEqual([
        200,
        [
          { result: "OK" },
          { error: "ERR value is not an integer or out of range" },
          { result: "OK" },
        ],
      ]);
    });

    it("the local Upstash gateway discards a whole transaction if Redis does not know one of its commands", async () => {
      const [status, body] = await upstash.post("/multi-exec", [["SET", "k", "v"], ["NOPE"]]);
      expect(status).toBe(400);
      expect(body).toEqual({
        error: "EXECABORT Transaction discarded because of previous errors.",
      });
      expect(await redis.get("k")).toBeNull();
    });

    it("the local Upstash gateway runs no other command in the middle of a transaction", async () => {
      const bump = [
        ["INCR", "n"],
        ["GET", "n"],
        ["INCR", "n"],
        ["GET", "n"],
      ];
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => upstash.post("/multi-exec", bump)),
      );
      for (const [, body] of answers) {
        const [first, text, second] = body as { result: number | string }[];
        expect(Number(text?.result)).toBe(first?.result);
        expect(second?.result).toBe(Number(first?.result) + 1);
      }
      expect(await redis.get("n")).toBe(100);
    });

    it("a transaction through the local Upstash gateway can contain a script", async () => {
      const transaction = redis.multi();
      transaction.eval("return redis.call('INCR', KEYS[1])", ["n"], []);
      transaction.get("n");
      expect(await transaction.exec()).toEqual([1, 1]);
    });
  });

  describe("scripts", () => {
    it("the local Upstash gateway runs a script by source text and by hash, and rejects a write of a read-only script", async () => {
      const script = redis.createScript<string>("return ARGV[1] .. KEYS[1]");
      expect(await script.exec(["k"], ["a"])).toBe("ak");
      const reading = redis.createScript<number, true>("return redis.call('EXISTS', KEYS[1])", {
        readonly: true,
      });
      expect(await reading.exec(["k"], [])).toBe(0);
      await expect(
        redis.evalRo("return redis.call('SET', KEYS[1], '1')", ["k"], []),
      ).rejects.toThrow("Write commands are not allowed from read-only scripts");
    });

    it("the local Upstash gateway answers NOSCRIPT to an unknown script hash, and the SDK then sends the script source", async () => {
      const sha = "0000000000000000000000000000000000000000";
      expect(await upstash.post("", ["EVALSHA", sha, "0"])).toEqual([
        400,
        { error: "NOSCRIPT No matching script. Please use EVAL." },
      ]);
      await redis.scriptFlush();
      const script = redis.createScript<number>("return 40 + 2");
      await upstash.gateways.resetCounts();
      expect(await script.exec([], [])).toBe(42);
      expect(await script.exec([], [])).toBe(42);
      expect((await upstash.gateways.counts()).redis.requests).toBe(3);
    });

    it("the local Upstash gateway removes a flag from a script, and finds the script by the hash of the original source", async () => {
      const source = "#!lua flags=allow-key-locking\nreturn redis.call('INCR', KEYS[1])";
      const sha = await redis.scriptLoad(source);
      expect(sha).toBe(createHash("sha1").update(source).digest("hex"));
      expect(await redis.evalsha(sha, ["n"], [])).toBe(1);
      expect(await redis.scriptExists(sha)).toEqual([1]);
      await upstash.engine.wipe();
      expect(await redis.evalsha(sha, ["n"], [])).toBe(1);
    });

    it("the local Upstash gateway counts a script as one command plus one for each Redis command that the script calls", async () => {
      await redis.eval(
        "redis.call('SET', KEYS[1], '1') redis.pcall('INCR', KEYS[1]) return redis.call('GET', KEYS[1])",
        ["k"],
        [],
      );
      expect((await upstash.gateways.counts()).redis).toEqual({ requests: 1, commands: 4 });
      await upstash.gateways.resetCounts();
      await expect(redis.eval("redis.call('GET', 'k') error('no')", [], [])).rejects.toThrow("no");
      expect((await upstash.gateways.counts()).redis).toEqual({ requests: 1, commands: 2 });
    });
  });

  describe("publish and subscribe", () => {
    it("a message that is published through the local Upstash gateway reaches a subscriber of the SDK", async () => {
      const subscriber = redis.subscribe<{ n: number }>("news");
      const subscribed = new Promise<unknown>((resolve) => subscriber.on("subscribe", resolve));
      const message = new Promise<unknown>((resolve) => subscriber.on("message", resolve));
      await subscribed;
      expect(await redis.publish("news", { n: 1 })).toBe(1);
      expect(await message).toEqual({ channel: "news", message: { n: 1 } });
      await subscriber.unsubscribe();
      await expect.poll(() => redis.publish("news", "late")).toBe(0);
    });

    it("a pattern subscription at the local Upstash gateway receives only messages of matching channels", async () => {
      const subscriber = redis.psubscribe<string>("stock:*");
      const subscribed = new Promise<unknown>((resolve) => subscriber.on("psubscribe", resolve));
      const message = new Promise<unknown>((resolve) => subscriber.on("pmessage", resolve));
      await subscribed;
      await redis.publish("other", '"no"');
      await redis.publish("stock:7", '"yes"');
      expect(await message).toEqual({ pattern: "stock:*", channel: "stock:7", message: "yes" });
      await subscriber.unsubscribe();
    });

    it("the local Upstash gateway answers a subscription with a stream of server-sent events", async () => {
      const controller = new AbortController();
      const response = await fetch(`${upstash.url}/subscribe/plain%20name`, {
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
});
