import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEntry, encodeEntry } from "../../src/core/codec.ts";
import { pack, unpack } from "../../src/redis/packing.ts";
import { arbitraryEntry, entryOf, taggedMembers } from "../support/entries.ts";

const list = JSON.stringify(
  Array.from({ length: 500 }, (_, id) => ({ id, name: `Größe ${id}`, priceCents: id * 7 })),
);

describe("a packed entry", () => {
  it("comes back as it was, whatever it holds", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryEntry, fc.nat({ max: 64 }), async (entry, repeat) => {
        const body = typeof entry.body === "string" ? entry.body.repeat(repeat) : entry.body;
        const text = encodeEntry({ ...entry, body });
        const stored = await pack(text, 1);
        expect(stored.length).toBeLessThanOrEqual(text.length);
        expect(await unpack(stored)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it("keeps its names on its second line, and is smaller", async () => {
    const members = taggedMembers("list:1", "größe", "t:x");
    const text = encodeEntry(entryOf({ key: "list:1", invalidationKeys: members, body: list }));
    const stored = await pack(text, 8_192);
    expect(stored.split("\n")[0]).toBe("strata1+gzip");
    expect(stored.split("\n")[1]?.split("\t")).toEqual(members);
    expect(stored.length).toBeLessThan(text.length / 3);
    expect(decodeEntry("list:1", await unpack(stored))?.body).toBe(list);
  });

  it("is not packed below the threshold, nor where it would not shrink", async () => {
    const short = encodeEntry(entryOf({ body: "x".repeat(99) }));
    expect(await pack(short, 100)).toBe(short);
    const noise = crypto.getRandomValues(new Uint8Array(20_000));
    const random = encodeEntry(entryOf({ body: noise }));
    expect(await pack(random, 100)).toBe(random);
  });

  it("keeps a body that has no UTF-8 as it is", async () => {
    const text = encodeEntry(entryOf({ body: `\ud800${"x".repeat(10_000)}` }));
    expect(await pack(text, 100)).toBe(text);
  });

  it("is a miss to a program that does not know the form, and when it is cut off", async () => {
    const stored = await pack(encodeEntry(entryOf({ body: list })), 100);
    expect(decodeEntry("product:1", stored)).toBeUndefined();
    for (let end = 0; end < stored.length; end += 97)
      expect(decodeEntry("product:1", await unpack(stored.slice(0, end)))).toBeUndefined();
  });
});
