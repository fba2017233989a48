/** The tests of an erasure that every shared store of entries passes. */
import { describe, expect, it } from "vitest";
import type { Entry } from "../../src/core/entry.ts";
import { MAX_PAGE, type ErasedPage } from "../../src/core/erasure.ts";
import type { InvalidationKey } from "../../src/core/invalidation-key.ts";
import { createTestContext } from "../support/context.ts";
import { invalidationKeysOf } from "../support/entries.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { valueOf } from "../redis/stores.ts";
import { living } from "./entries-contract.ts";
import type { StoreUnderTest } from "./subject.ts";

const SCOPE = { seq: 100, era: "era" };

/** An entry with these tags that was loaded before number 100 of the era. */
const tagged = (key: string, tags: readonly string[] = [], fields: Partial<Entry> = {}): Entry =>
  living({
    key,
    invalidationKeys: invalidationKeysOf(key, ...tags),
    asOf: 99,
    era: "era",
    ...fields,
  });

/** Declares the tests of the erasure of entries in a store. */
export function describeErase(subject: StoreUnderTest): void {
  function setup() {
    const namespace = uniqueNamespace();
    const store = subject.create(namespace, { maxEntryChars: 1_000_000 });
    const ctx = createTestContext();
    const inside = subject.inside(namespace);
    return {
      inside,
      write: async (...entries: Entry[]) => valueOf(await store.write(entries, ctx)),
      /** Runs all parts of an erasure. Returns the keys of the removed entries, and the number of parts. */
      async erase(names: readonly InvalidationKey[], scope = SCOPE, pageSize = MAX_PAGE) {
        const removed: string[] = [];
        let parts = 0;
        for (let cursor: string | undefined = ""; cursor !== undefined; parts++) {
          const part: ErasedPage = valueOf(
            await store.erase!({ names, ...scope }, cursor, pageSize, ctx),
          );
          removed.push(...part.keys);
          ({ cursor } = part);
        }
        return { removed: removed.toSorted(), parts };
      },
      textsOf: (...keys: string[]) => Promise.all(keys.map((key) => inside.textOf(key))),
    };
  }

  describe("erasure", () => {
    it.each<[string, InvalidationKey[], string[]]>([
      ["a tag", ["t:red"], ["item:1", "item:2"]],
      ["a key", ["k:item:3"], ["item:3"]],
      ["two tags and a key", ["t:red", "t:none", "k:item:3"], ["item:1", "item:2", "item:3"]],
      ["a prefix", ["p:item:"], ["item:1", "item:2", "item:3"]],
      ["everything", ["n:"], ["item:1", "item:2", "item:3", "other:1"]],
    ])("an erasure of %s removes the entries with it, and no other", async (_, names, gone) => {
      const { write, erase, textsOf } = setup();
      const all = ["item:1", "item:2", "item:3", "other:1"];
      await write(
        tagged("item:1", ["red"]),
        tagged("item:2", ["blue", "red"]),
        tagged("item:3", ["reddish"]),
        tagged("other:1"),
      );
      expect((await erase(names)).removed).toEqual(gone);
      const left = await textsOf(...all);
      expect(all.filter((_key, i) => left[i] === undefined)).toEqual(gone);
    });

    it("an erasure keeps an entry that was loaded after it, and removes those of another era", async () => {
      const { write, erase } = setup();
      await write(
        tagged("new:1", ["red"], { asOf: 100 }),
        tagged("old:1", ["red"], { asOf: 99 }),
        tagged("lost:1", ["red"], { asOf: 500, era: "former" }),
      );
      expect((await erase(["t:red"])).removed).toEqual(["lost:1", "old:1"]);
    });

    it("an erasure finds an entry whose invalidation keys and header have more than 8,192 characters", async () => {
      const { write, erase } = setup();
      const tags = Array.from({ length: 400 }, (_, i) => `a tag with the number ${i}`);
      const headers = [["x-long", "v".repeat(10_000)]] as const;
      await write(
        tagged("tags:1", [...tags, "red"]),
        tagged("header:1", ["red"], { http: { status: 200, headers } }),
        tagged("both:1", tags, { http: { status: 200, headers } }),
      );
      expect((await erase(["t:red"])).removed).toEqual(["header:1", "tags:1"]);
    });

    it("an erasure removes a text that is no entry, as a read of it does", async () => {
      const { inside, erase } = setup();
      await inside.setText("broken:1", "half a text with a name\nt:red");
      expect((await erase(["t:red"])).removed).toEqual(["broken:1"]);
      expect(await inside.textOf("broken:1")).toBeUndefined();
    });

    it("an erasure with a page of 20 keys finds the same entries as one with a page of 500", async () => {
      const { write, erase } = setup();
      const keys = Array.from({ length: 40 }, (_, i) => `item:${i}`);
      await write(...keys.map((key, i) => tagged(key, i % 2 === 0 ? ["even"] : ["odd"])));
      const even = await erase(["t:even"], SCOPE, 20);
      const odd = await erase(["t:odd"]);
      expect(even.parts).toBeGreaterThan(odd.parts);
      expect([...even.removed, ...odd.removed].toSorted()).toEqual(keys.toSorted());
    });

    it("an erasure of 1,200 entries takes several parts, each of which begins where the former one ended", async () => {
      const { write, erase, textsOf } = setup();
      const keys = Array.from({ length: 1_200 }, (_, i) => `item:${i}`);
      await write(...keys.map((key, i) => tagged(key, i % 2 === 0 ? ["even"] : ["odd"])));
      const { removed, parts } = await erase(["t:even"]);
      expect(parts).toBeGreaterThan(1);
      expect(removed).toHaveLength(600);
      const left = (await textsOf(...keys)).filter((text) => text !== undefined);
      expect(left).toHaveLength(600);
    });
  });
}
