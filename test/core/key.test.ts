import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DefinitionError } from "../../src/core/faults.ts";
import { key, keyProblem, MAX_KEY_LENGTH } from "../../src/core/key.ts";

const kinds = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}$/);
/** Short texts of separators, escapes and characters that are hard to encode. */
const hostile = fc.string({
  unit: fc.constantFrom(
    ...Array.from("ab:/%?#~!_.\t\n\r\0 "),
    "%3A",
    "%25",
    "%uD800",
    "\ud800",
    "\udc00",
    "\ufffd",
    "ü",
    "😀",
  ),
  maxLength: 6,
});
const names = fc.tuple(kinds, fc.array(hostile, { minLength: 1, maxLength: 4 }));

describe("key", () => {
  it("key() joins the kind and simple parts with colons to a readable key, such as user-list:de:3", () => {
    expect(key("product", 42)).toBe("product:42");
    expect(key("user-list", "de", 3)).toBe("user-list:de:3");
  });

  it("key() never returns the same key for two different kinds or lists of parts", () => {
    fc.assert(
      fc.property(names, names, ([kind, parts], [otherKind, others]) => {
        const same = kind === otherKind && JSON.stringify(parts) === JSON.stringify(others);
        expect(key(kind, ...parts) === key(otherKind, ...others)).toBe(same);
      }),
      { numRuns: 2_000 },
    );
  });

  it("key() returns different keys for different parts with separators, escapes and control characters", () => {
    const spellings: readonly (readonly string[])[] = [
      ["a:b"],
      ["a", "b"],
      ["a%3Ab"],
      ["a", "b", ""],
      ["a", "", "b"],
      ["", "a", "b"],
      ["\ud800"],
      ["\ud801"],
      ["\ufffd"],
      ["%uD800"],
      ["__proto__"],
      ["constructor"],
      [""],
      ["\n"],
      ["\0"],
    ];
    const built = spellings.map((parts) => key("a", ...parts));
    expect(new Set(built).size).toBe(spellings.length);
  });

  it("keyProblem() finds no problem in any key that key() built", () => {
    fc.assert(
      fc.property(names, ([kind, parts]) => {
        expect(keyProblem(key(kind, ...parts))).toBeUndefined();
      }),
    );
  });

  it("key() writes a number as its decimal text", () => {
    expect(key("a", 1)).toBe(key("a", "1"));
    expect(key("a", -0)).toBe("a:0");
    expect(key("a", Number.NaN)).toBe("a:NaN");
  });

  it.each([[""], ["Product"], ["1a"], ["a:b"], ["ä"], ["a b"], ["__proto__"]])(
    "key() rejects the kind %j with an error that names the field",
    (kind) => {
      expect(() => key(kind, 1)).toThrow(DefinitionError);
      expect(() => key(kind, 1)).toThrow(/^key: /);
    },
  );

  it("key() rejects a key without parts and a key that is longer than 512 characters after percent-encoding", () => {
    expect(() => key("a")).toThrow(DefinitionError);
    expect(() => key("a", "x".repeat(MAX_KEY_LENGTH))).toThrow(DefinitionError);
    expect(() => key("a", "x".repeat(10_000_000))).toThrow(DefinitionError);
    // 200 characters of two bytes each are 1,200 characters once they are percent-encoded.
    expect(() => key("a", "ü".repeat(200))).toThrow(DefinitionError);
    expect(key("a", "x".repeat(MAX_KEY_LENGTH - 2))).toHaveLength(MAX_KEY_LENGTH);
  });
});

describe("keyProblem", () => {
  it.each([
    ["", /empty/],
    ["product", /kind/],
    ["product:\n42", /visible ASCII/],
    ["product:4 2", /visible ASCII/],
    ["product:ü", /visible ASCII/],
    ["product:\u007f", /visible ASCII/],
    [`product:${"x".repeat(MAX_KEY_LENGTH)}`, /at most 512/],
    ["__proto__", /kind/],
  ])("keyProblem() returns the reason why the key %j is invalid", (text, reason) => {
    expect(keyProblem(text)).toMatch(reason);
  });
});
