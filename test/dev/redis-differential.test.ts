import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { availableEngines } from "./support/engines.ts";
import type { OpenEngine } from "./support/engines.ts";
import { transcribe } from "./support/transcript.ts";
import type { Step } from "./support/transcript.ts";

/** The seed of the sequences: the same in every run. DIFFERENTIAL_SEED sets another. */
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
/** No text counts beyond 2^53: the embedded Redis refuses that, and Redis does not. */
const text = fc.constantFrom("1", "-1", "0", "3.5", "1790000000123456", "+inf", "x", "1e3");
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
const seconds = fc.constantFrom("100", "1000", "0", "-1", "x");
/** Long enough that no key expires between the two engines. */
const milliseconds = fc.constantFrom("100000", "1000000", "0", "-1", "x");
/** For GT: an equal lifetime would be greater on the engine whose clock has moved on by a millisecond. */
const distinctSeconds = fc.noBias(fc.integer({ min: 2_000, max: 9_000_000 })).map(String);

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
  words(oneOf("ZREMRANGEBYSCORE", "ZCOUNT"), key, bound, bound),
  words(oneOf("ZMSCORE", "ZREM", "HMGET", "HDEL"), key, member, member),
  words(oneOf("ZSCORE", "HGET", "ZREM", "HDEL"), key, member),
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
      "STRLEN",
      "HLEN",
      "ZCARD",
    ),
    key,
  ),
  words(
    is("SET"),
    key,
    text,
    maybe(oneOf("NX", "XX", "GET", "KEEPTTL")),
    fc.oneof(maybe(is("EX"), seconds), maybe(is("PX"), milliseconds)),
  ),
  words(is("GETEX"), key, maybe(oneOf("EX", "PX"), milliseconds)),
  words(is("GETEX"), key, maybe(is("PERSIST"))),
  words(is("GETDEL"), key),
  words(oneOf("INCRBY", "DECRBY"), key, index),
  words(oneOf("HSET"), key, member, score),
  words(is("EXPIRE"), key, seconds, maybe(oneOf("NX", "XX", "LT"))),
  words(is("EXPIRE"), key, distinctSeconds, is("GT")),
  words(oneOf("MGET", "MSET", "UNLINK"), key, key),
);

const [embedded, ...servers] = availableEngines();

const sequence = fc.array(step, { minLength: 20, maxLength: 60 });

it("the embedded Redis answers any sequence of commands without an internal error", async () => {
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

describe.each(servers)("the embedded and a real Redis", (server) => {
  let both: readonly [OpenEngine, OpenEngine];

  beforeAll(async () => {
    both = [await embedded!.open(), await server.open()];
  });
  afterAll(() => Promise.all(both.map((opened) => opened.close())));

  it("the embedded Redis and a real Redis give the same answers to any sequence of commands", async () => {
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
