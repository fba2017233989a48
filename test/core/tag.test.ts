import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DefinitionError } from "../../src/core/faults.ts";
import {
  derivedInvalidationKeys,
  MAX_PREFIX_DEPTH,
  logKeysOfPurge,
  prefixProblem,
  invalidationKeyOfTag,
  tagProblem,
} from "../../src/core/invalidation-key.ts";

const hostileTags = ["!seq", "!era:x", "!floor:9", "~t:x", "t:", "n:", "k:product:1", "__proto__"];
const TYPED = /^~?(?:t:.+|k:.+|p:.*:|n:)$/su;

describe("invalidationKeyOfTag", () => {
  it.each(hostileTags)(
    "the tag %j becomes the invalidation key of a tag (`t:`), never an internal member of the invalidation log",
    (tag) => {
      expect(tagProblem(tag)).toBeUndefined();
      expect(invalidationKeyOfTag(tag)).toBe(`t:${tag}`);
      expect(logKeysOfPurge({ tags: [tag] })).toEqual([`t:${tag}`]);
      expect(logKeysOfPurge({ tags: [tag], soft: true })).toEqual([`~t:${tag}`]);
    },
  );

  it.each([
    ["", /empty/],
    ["x".repeat(257), /at most 256/],
    ["a\nb", /control/],
    ["a\tb", /control/],
    ["a\0b", /control/],
    ["a\u007fb", /control/],
    ["\ud800", /well-formed/],
  ])(
    "invalidationKeyOfTag() rejects the tag %j, and tagProblem() returns the reason",
    (tag, reason) => {
      expect(() => invalidationKeyOfTag(tag)).toThrow(DefinitionError);
      expect(tagProblem(tag)).toMatch(reason);
    },
  );

  it("invalidationKeyOfTag() accepts any text as a tag, or rejects the text with an error that names the field `tags`", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), (tag) => {
        if (tagProblem(tag) === undefined) expect(invalidationKeyOfTag(tag)).toMatch(TYPED);
        else expect(() => invalidationKeyOfTag(tag)).toThrow(/^tags: /);
      }),
    );
  });
});

describe("logKeysOfPurge", () => {
  it("the log keys of any purge have a type prefix, so that no purge reaches internal members of the invalidation log", () => {
    const text = fc.oneof(
      fc.constantFrom(...hostileTags, "product:1", "product:", ":", "a:b:"),
      fc.string({ maxLength: 12 }),
    );
    const targets = fc.record({
      tags: fc.array(text, { maxLength: 3 }),
      keys: fc.array(text, { maxLength: 3 }),
      prefixes: fc.array(text, { maxLength: 3 }),
      everything: fc.boolean(),
      soft: fc.boolean(),
    });
    fc.assert(
      fc.property(targets, (target) => {
        let logKeys: readonly string[];
        try {
          logKeys = logKeysOfPurge(target);
        } catch (error) {
          expect(error).toBeInstanceOf(DefinitionError);
          return;
        }
        for (const logKey of logKeys) {
          expect(logKey).toMatch(TYPED);
          expect(logKey.startsWith("~")).toBe(target.soft);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("logKeysOfPurge() returns each log key once for a purge with repeated targets", () => {
    expect(
      logKeysOfPurge({
        tags: ["a", "a"],
        keys: ["product:1", "product:1"],
        prefixes: ["product:"],
        everything: true,
      }),
    ).toEqual(["n:", "t:a", "k:product:1", "p:product:"]);
  });

  it("logKeysOfPurge() returns no log key for a purge without targets", () => {
    expect(logKeysOfPurge({})).toEqual([]);
    expect(logKeysOfPurge({ everything: false, tags: [] })).toEqual([]);
  });

  it.each([
    [{ tags: [""] }, "tags"],
    [{ tags: ["fine", "a\nb"] }, "tags"],
    [{ keys: ["no-kind"] }, "keys"],
    [{ keys: ["a: b"] }, "keys"],
    [{ prefixes: ["product"] }, "prefixes"],
    [{ prefixes: ["a:b:c:d:e:"] }, "prefixes"],
    [{ prefixes: [""] }, "prefixes"],
  ])(
    "logKeysOfPurge() rejects the purge %j with an error that names the field %j",
    (targets, field) => {
      expect(() => logKeysOfPurge(targets)).toThrow(expect.objectContaining({ field }));
    },
  );

  it("the error for a purge of an invalid tag of 100,000 characters is shorter than 300 characters", () => {
    const message = (): string => {
      try {
        logKeysOfPurge({ tags: ["x".repeat(100_000)] });
        return "";
      } catch (error) {
        return String(error);
      }
    };
    expect(message().length).toBeGreaterThan(0);
    expect(message().length).toBeLessThan(300);
  });
});

describe("derivedInvalidationKeys", () => {
  it("every entry has the invalidation keys of its namespace, its key and its prefixes", () => {
    expect(derivedInvalidationKeys("list:de:3")).toEqual([
      "n:",
      "k:list:de:3",
      "p:list:",
      "p:list:de:",
    ]);
  });

  it("an entry has an invalidation key for exactly those prefixes of its key that a purge accepts", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab:]{1,14}$/), (key) => {
        const prefixes = Array.from(key, (_, at) => key.slice(0, at + 1)).filter(
          (prefix) => prefixProblem(prefix) === undefined,
        );
        const carried = derivedInvalidationKeys(key).filter((name) => name.startsWith("p:"));
        expect(carried).toEqual(prefixes.map((prefix) => `p:${prefix}`));
      }),
    );
    expect(MAX_PREFIX_DEPTH).toBe(4);
  });
});
