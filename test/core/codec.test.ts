import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEntry, encodeEntry } from "../../src/core/codec.ts";
import { arbitraryEntry, entryOf, taggedMembers } from "../support/entries.ts";

describe("a stored entry", () => {
  it("is read back as it was, whatever it holds", () => {
    fc.assert(
      fc.property(arbitraryEntry, (entry) => {
        expect(decodeEntry(entry.key, encodeEntry(entry))).toStrictEqual(entry);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ["nothing", ""],
    ["line ends, and what looks like another entry", "\n\nstrata1\nn:\n{}\nx"],
    ["halves of surrogate pairs", "\ud800 \udc00 😀"],
    ["a byte order mark", "\ufeff{}"],
    ["every byte", Uint8Array.from({ length: 256 }, (_, byte) => byte)],
    ["no byte", new Uint8Array(0)],
    ["more bytes than fit into the arguments of one call", new Uint8Array(300_000).fill(0xfe)],
  ])("may hold %s", (_, body) => {
    const entry = entryOf({ body });
    expect(decodeEntry(entry.key, encodeEntry(entry))).toStrictEqual(entry);
  });

  it("shows its names on its second line, for the scripts that run in Redis", () => {
    const members = taggedMembers("list:de:1", "!seq", "größe 1", "t:x");
    const [, line] = encodeEntry(
      entryOf({ key: "list:de:1", invalidationKeys: members, body: "a\nb" }),
    ).split("\n");
    expect(line?.split("\t")).toEqual(members);
  });

  it("is never taken for the entry of another key", () => {
    const text = encodeEntry(entryOf({ key: "product:1" }));
    for (const key of ["product:2", "product:", "product:11", "", "__proto__"])
      expect(decodeEntry(key, text)).toBeUndefined();
  });

  it("is no entry when it is cut off anywhere", () => {
    for (const body of ["text\nof two lines", new Uint8Array([1, 2, 3, 4, 5])]) {
      const entry = entryOf({ body, http: { status: 200, headers: [["a", "b"]] } });
      const text = encodeEntry(entry);
      for (let end = 0; end < text.length; end++)
        expect(decodeEntry(entry.key, text.slice(0, end)), `cut at ${end}`).toBeUndefined();
    }
  });

  it("is no entry when something is inserted, and never an exception", () => {
    const entry = entryOf();
    const text = encodeEntry(entry);
    fc.assert(
      fc.property(fc.nat({ max: text.length }), fc.string({ minLength: 1 }), (at, more) => {
        const garbled = text.slice(0, at) + more + text.slice(at);
        const decoded = decodeEntry(entry.key, garbled);
        // White space and digits in the header leave valid JSON; names and body must be whole.
        if (decoded === undefined) return;
        expect(decoded.invalidationKeys).toEqual(expect.arrayContaining(["n:", "k:product:1"]));
        expect(decoded.body).toHaveLength(entry.body.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is no entry when anything else is in its place", () => {
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
    ["of a field that is missing", { ...header }],
    ["of a field of another type", { ...header, ...rest, o: "1" }],
    ["of an instant too few", { ...header, ...rest, t: [0, 1, 2, 3] }],
    ["of base64 that is none", { ...header, ...rest, b: true, n: 4 }],
    ["of another length", { ...header, ...rest, n: 5 }],
    ["of headers of another shape", { ...header, ...rest, h: [200, [["a"]]] }],
    ["of another key", { ...header, ...rest, k: "product:2" }],
  ])("is no entry because %s", (_, fields) => {
    const text = (names: string, of: object) => `strata1\n${names}\n${JSON.stringify(of)}\n####`;
    const names = "n:\tk:product:1";
    expect(decodeEntry("product:1", text(names, { ...header, ...rest }))).toBeDefined();
    expect(decodeEntry("product:1", text(names, fields))).toBeUndefined();
  });

  it.each(["", "n:", "k:product:1", "n:\tk:product:2", "t:products"])(
    "without its own names (%j) is no entry: no purge could reach it",
    (names) => {
      const text = encodeEntry(entryOf()).replace(/\n.*\n/, `\n${names}\n`);
      expect(decodeEntry("product:1", text)).toBeUndefined();
    },
  );
});
