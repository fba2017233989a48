import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEntry, encodeEntry } from "../../src/core/codec.ts";
import { arbitraryEntry, entryOf, invalidationKeysOf } from "../support/entries.ts";

describe("the codec of entries", () => {
  it("an encoded entry with any content decodes to the same entry", () => {
    fc.assert(
      fc.property(arbitraryEntry, (entry) => {
        expect(decodeEntry(entry.key, encodeEntry(entry))).toStrictEqual(entry);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ["no text", ""],
    ["line feeds and the text of another entry", "\n\nstrata1\nn:\n{}\nx"],
    ["lone surrogates", "\ud800 \udc00 😀"],
    ["a byte order mark", "\ufeff{}"],
    ["every byte", Uint8Array.from({ length: 256 }, (_, byte) => byte)],
    ["no byte", new Uint8Array(0)],
    ["more bytes than one call has arguments", new Uint8Array(300_000).fill(0xfe)],
  ])("an encoded entry whose body is %s decodes to the same body", (_, body) => {
    const entry = entryOf({ body });
    expect(decodeEntry(entry.key, encodeEntry(entry))).toStrictEqual(entry);
  });

  it("the second line of an encoded entry lists its invalidation keys for the scripts in Redis", () => {
    const invalidationKeys = invalidationKeysOf("list:de:1", "!seq", "größe 1", "t:x");
    const [, line] = encodeEntry(
      entryOf({ key: "list:de:1", invalidationKeys, body: "a\nb" }),
    ).split("\n");
    expect(line?.split("\t")).toEqual(invalidationKeys);
  });

  it("an encoded entry does not decode under another key", () => {
    const text = encodeEntry(entryOf({ key: "product:1" }));
    for (const key of ["product:2", "product:", "product:11", "", "__proto__"])
      expect(decodeEntry(key, text)).toBeUndefined();
  });

  it("an encoded entry that was cut off at any character does not decode", () => {
    for (const body of ["text\nof two lines", new Uint8Array([1, 2, 3, 4, 5])]) {
      const entry = entryOf({ body, http: { status: 200, headers: [["a", "b"]] } });
      const text = encodeEntry(entry);
      for (let end = 0; end < text.length; end++)
        expect(decodeEntry(entry.key, text.slice(0, end)), `cut at ${end}`).toBeUndefined();
    }
  });

  it("an encoded entry with inserted text does not decode, or decodes with its invalidation keys and the length of its body", () => {
    const entry = entryOf();
    const text = encodeEntry(entry);
    fc.assert(
      fc.property(fc.nat({ max: text.length }), fc.string({ minLength: 1 }), (at, more) => {
        const garbled = text.slice(0, at) + more + text.slice(at);
        const decoded = decodeEntry(entry.key, garbled);
        // White space and digits in the header leave valid JSON. Keys and body must be complete.
        if (decoded === undefined) return;
        expect(decoded.invalidationKeys).toEqual(expect.arrayContaining(["n:", "k:product:1"]));
        expect(decoded.body).toHaveLength(entry.body.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it("random text does not decode as an entry", () => {
    const garbage = fc.oneof(
      fc.string(),
      fc.string().map((text) => `strata1\n${text}`),
      fc.json().map((json) => `strata1\nn:\tk:product:1\n${json}\nbody`),
      fc.string({ unit: fc.constantFrom("strata1", "\n", "n:", "\t", "k:product:1", "{}", "0") }),
    );
    fc.assert(
      fc.property(garbage, (text) => {
        expect(decodeEntry("product:1", text)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  const header = { k: "product:1", a: false, b: false, e: '""', t: [0, 1, 2, 3, 4] };
  const rest = { o: 1, r: "x", c: 0, n: 4 };
  it.each([
    ["lacks a field", { ...header }],
    ["has a field of the wrong type", { ...header, ...rest, o: "1" }],
    ["has four instants", { ...header, ...rest, t: [0, 1, 2, 3] }],
    ["claims base64 that is invalid", { ...header, ...rest, b: true, n: 4 }],
    ["states another length", { ...header, ...rest, n: 5 }],
    ["has headers of the wrong shape", { ...header, ...rest, h: [200, [["a"]]] }],
    ["names another key", { ...header, ...rest, k: "product:2" }],
  ])("decodeEntry() returns undefined for a text whose header %s", (_, fields) => {
    const text = (names: string, of: object) => `strata1\n${names}\n${JSON.stringify(of)}\n####`;
    const names = "n:\tk:product:1";
    expect(decodeEntry("product:1", text(names, { ...header, ...rest }))).toBeDefined();
    expect(decodeEntry("product:1", text(names, fields))).toBeUndefined();
  });

  it.each(["", "n:", "k:product:1", "n:\tk:product:2", "t:products"])(
    "decodeEntry() returns undefined for a text whose invalidation keys (%j) are incomplete, since a purge could miss the entry",
    (names) => {
      const text = encodeEntry(entryOf()).replace(/\n.*\n/, `\n${names}\n`);
      expect(decodeEntry("product:1", text)).toBeUndefined();
    },
  );
});
