import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEntry, encodeEntry } from "../../src/core/codec.ts";
import { pack, unpack } from "../../src/redis/packing.ts";
import { arbitraryEntry, entryOf, invalidationKeysOf } from "../support/entries.ts";

const list = JSON.stringify(
  Array.from({ length: 500 }, (_, id) => ({ id, name: `Größe ${id}`, priceCents: id * 7 })),
);

describe("pack and unpack", () => {
  it("a compressed entry with any content decompresses to the same text", async () => {
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

  it("a compressed entry is smaller and still has its invalidation keys on the second line", async () => {
    const invalidationKeys = invalidationKeysOf("list:1", "größe", "t:x");
    const text = encodeEntry(entryOf({ key: "list:1", invalidationKeys, body: list }));
    const stored = await pack(text, 8_192);
    expect(stored.split("\n")[0]).toBe("strata1+gzip");
    expect(stored.split("\n")[1]?.split("\t")).toEqual(invalidationKeys);
    expect(stored.length).toBeLessThan(text.length / 3);
    expect(decodeEntry("list:1", await unpack(stored))?.body).toBe(list);
  });

  it("an entry is not compressed if it is below the size threshold or would not shrink", async () => {
    const short = encodeEntry(entryOf({ body: "x".repeat(99) }));
    expect(await pack(short, 100)).toBe(short);
    const noise = crypto.getRandomValues(new Uint8Array(20_000));
    const random = encodeEntry(entryOf({ body: noise }));
    expect(await pack(random, 100)).toBe(random);
  });

  it("an entry with a lone surrogate is not compressed", async () => {
    const text = encodeEntry(entryOf({ body: `\ud800${"x".repeat(10_000)}` }));
    expect(await pack(text, 100)).toBe(text);
  });

  it("decodeEntry() returns undefined for a compressed entry that is truncated or has not been decompressed", async () => {
    const stored = await pack(encodeEntry(entryOf({ body: list })), 100);
    expect(decodeEntry("product:1", stored)).toBeUndefined();
    for (let end = 0; end < stored.length; end += 97)
      expect(decodeEntry("product:1", await unpack(stored.slice(0, end)))).toBeUndefined();
  });
});
