import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { availableEngines } from "./support/engines.ts";
import type { OpenEngine } from "./support/engines.ts";
import { transcribe } from "./support/transcript.ts";
import type { Step } from "./support/transcript.ts";

/**
 * The same sequences in every run; DIFFERENTIAL_SEED asks for others. Some of those count
 * beyond 2^53, which the embedded Redis refuses and a real one does not.
 */
const SEED = Number(process.env["DIFFERENTIAL_SEED"] ?? 2);

const key = fc.constantFrom("a", "b", "z");
const member = fc.constantFrom("m1", "m2", "é", "", "M", "m1x", "10", "2");
const score = fc.constantFrom(
  "1",
  "-1",
  "0",
  "3.5",
  "1790000000123456",
  "9007199254740991",
  "+inf",
  "-inf",
  "x",
  "1e3",
);
const bound = fc.constantFrom(
  "-inf",
  "+inf",
  "(1",
  "1",
  "(1790000000123456",
  "0",
  "(0",
  "9007199254740991",
  "bad",
);
const index = fc.constantFrom("0", "1", "-1", "2", "-2", "5", "-5", "x");
const lifetime = fc.constantFrom("100", "1000", "0", "-1", "x");

const words = (...parts: fc.Arbitrary<readonly string[] | string>[]): fc.Arbitrary<Step> =>
  fc.tuple(...parts).map((all) => all.flat());
const is = (word: string): fc.Arbitrary<string> => fc.constant(word);
const maybe = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<readonly string[]> =>
  fc.option(fc.tuple(...parts), { nil: [] });
const oneOf = (...choices: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...choices);

const step: fc.Arbitrary<Step> = fc.oneof(
  words(
    is("ZADD"),
    key,
    maybe(oneOf("NX", "XX", "GT", "LT", "CH", "INCR")),
    maybe(oneOf("CH", "INCR")),
    score,
    member,
    maybe(score, member),
  ),
  words(
    is("ZRANGE"),
    key,
    bound,
    bound,
    is("BYSCORE"),
    maybe(is("REV")),
    maybe(is("LIMIT"), index, index),
    maybe(is("WITHSCORES")),
  ),
  words(is("ZRANGE"), key, index, index, maybe(is("REV")), maybe(is("WITHSCORES"))),
  // Not BYLEX: over members of unlike scores Redis says nothing of its answer.
  words(oneOf("ZREMRANGEBYSCORE", "ZCOUNT"), key, bound, bound),
  words(oneOf("ZREMRANGEBYRANK", "LRANGE", "LTRIM", "GETRANGE"), key, index, index),
  words(oneOf("ZMSCORE", "ZREM", "SADD", "RPUSH", "HDEL", "SMISMEMBER"), key, member, member),
  words(
    oneOf("ZSCORE", "ZRANK", "ZREVRANK", "HGET", "SADD", "SREM", "SISMEMBER", "LPUSH", "APPEND"),
    key,
    member,
  ),
  words(is("ZINCRBY"), key, score, member),
  words(oneOf("ZPOPMIN", "ZPOPMAX"), key, maybe(index)),
  words(
    oneOf(
      "DEL",
      "EXISTS",
      "TYPE",
      "TTL",
      "PERSIST",
      "GET",
      "INCR",
      "HGETALL",
      "LPOP",
      "RPOP",
      "LLEN",
      "SCARD",
      "ZCARD",
    ),
    key,
  ),
  words(
    is("SET"),
    key,
    score,
    maybe(oneOf("NX", "XX", "GET", "KEEPTTL")),
    maybe(oneOf("EX", "PX"), lifetime),
  ),
  words(oneOf("INCRBY", "LINDEX"), key, index),
  words(oneOf("HSET"), key, member, score),
  words(is("HINCRBY"), key, member, index),
  words(is("EXPIRE"), key, lifetime, maybe(oneOf("NX", "XX", "GT", "LT"))),
  words(is("LREM"), key, index, member),
  words(is("LSET"), key, index, member),
  words(is("LINSERT"), key, oneOf("BEFORE", "AFTER"), member, member),
  words(is("SMOVE"), key, key, member),
  words(is("RPOPLPUSH"), key, key),
  words(oneOf("SDIFFSTORE", "SUNIONSTORE", "SINTERSTORE"), key, key, key),
);

const [embedded, ...servers] = availableEngines();

const sequence = fc.array(step, { minLength: 20, maxLength: 60 });

it("the embedded Redis answers any sequence of commands without failing itself", async () => {
  const { engine, close } = await embedded!.open();
  await fc.assert(
    fc.asyncProperty(sequence, async (steps) => {
      await engine.wipe();
      expect(await transcribe(engine, steps)).not.toContain("(error) undefined");
    }),
    { numRuns: 100, seed: SEED },
  );
  await close();
});

describe.each(servers)("the embedded Redis beside a real one", (server) => {
  let both: readonly [OpenEngine, OpenEngine];

  beforeAll(async () => {
    both = [await embedded!.open(), await server.open()];
  });
  afterAll(() => Promise.all(both.map((opened) => opened.close())));

  it("answers any sequence of commands alike", async () => {
    await fc.assert(
      fc.asyncProperty(sequence, async (steps) => {
        const [ours, theirs] = await Promise.all(
          both.map(async ({ engine }) => {
            await engine.wipe();
            return transcribe(engine, steps);
          }),
        );
        expect(ours).toBe(theirs);
      }),
      { numRuns: 100, seed: SEED },
    );
  });
});
