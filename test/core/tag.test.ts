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

describe("a tag", () => {
  it.each(hostileTags)("%j is an ordinary name, never a member of the log's own", (tag) => {
    expect(tagProblem(tag)).toBeUndefined();
    expect(invalidationKeyOfTag(tag)).toBe(`t:${tag}`);
    expect(logKeysOfPurge({ tags: [tag] })).toEqual([`t:${tag}`]);
    expect(logKeysOfPurge({ tags: [tag], soft: true })).toEqual([`~t:${tag}`]);
  });

  it.each([
    ["", /empty/],
    ["x".repeat(257), /at most 256/],
    ["a\nb", /control/],
    ["a\tb", /control/],
    ["a\0b", /control/],
    ["a\u007fb", /control/],
    ["\ud800", /well-formed/],
  ])("%j is refused with its reason", (tag, reason) => {
    expect(() => invalidationKeyOfTag(tag)).toThrow(DefinitionError);
    expect(tagProblem(tag)).toMatch(reason);
  });

  it("may be anything else, however strange", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), (tag) => {
        if (tagProblem(tag) === undefined) expect(invalidationKeyOfTag(tag)).toMatch(TYPED);
        else expect(() => invalidationKeyOfTag(tag)).toThrow(/^tags: /);
      }),
    );
  });
});

describe("the members of a purge", () => {
  it("are typed, whoever names them: nothing outside can reach the log's bookkeeping", () => {
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
        let members: readonly string[];
        try {
          members = logKeysOfPurge(target);
        } catch (error) {
          expect(error).toBeInstanceOf(DefinitionError);
          return;
        }
        for (const member of members) {
          expect(member).toMatch(TYPED);
          expect(member.startsWith("~")).toBe(target.soft);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("hold each name once, of each type", () => {
    expect(
      logKeysOfPurge({
        tags: ["a", "a"],
        keys: ["product:1", "product:1"],
        prefixes: ["product:"],
        everything: true,
      }),
    ).toEqual(["n:", "t:a", "k:product:1", "p:product:"]);
  });

  it("are none where nothing is named", () => {
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
  ])("%j is refused and %j named", (targets, field) => {
    expect(() => logKeysOfPurge(targets)).toThrow(expect.objectContaining({ field }));
  });

  it("are refused without repeating a huge value", () => {
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

describe("the members of every entry", () => {
  it("are the namespace, the key and its prefixes", () => {
    expect(derivedInvalidationKeys("list:de:3")).toEqual([
      "n:",
      "k:list:de:3",
      "p:list:",
      "p:list:de:",
    ]);
  });

  it("hold every prefix that may be purged, and no deeper one", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab:]{1,14}$/), (key) => {
        const prefixes = Array.from(key, (_, at) => key.slice(0, at + 1)).filter(
          (prefix) => prefixProblem(prefix) === undefined,
        );
        const carried = derivedInvalidationKeys(key).filter((member) => member.startsWith("p:"));
        expect(carried).toEqual(prefixes.map((prefix) => `p:${prefix}`));
      }),
    );
    expect(MAX_PREFIX_DEPTH).toBe(4);
  });
});
