/** What every shared store owes: entries, and reads that validate them. */
import { describe, expect, it } from "vitest";
import type { Entry } from "../../src/core/entry.ts";
import { invalidationKeyOfTag } from "../../src/core/invalidation-key.ts";
import { MAX_CHANGES } from "../../src/core/log.ts";
import { createTestContext } from "../support/context.ts";
import { entryOf, invalidationKeysOf } from "../support/entries.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { valueOf } from "../redis/stores.ts";
import type { StoreUnderTest } from "./subject.ts";

/** An entry that is fresh for one minute from now. */
export const living = (fields: Partial<Entry> = {}): Entry => {
  const storedAt = Date.now();
  return entryOf({ storedAt, freshUntil: storedAt + 60_000, ...fields });
};

/** Declares the tests of the entries of a store. */
export function describeEntries(subject: StoreUnderTest): void {
  function setup() {
    const namespace = uniqueNamespace();
    const store = subject.create(namespace);
    const ctx = createTestContext();
    const read = async (...keys: string[]) => valueOf(await store.read(keys, 0, ctx));
    const write = async (...entries: Entry[]) => valueOf(await store.write(entries, ctx));
    const purge = async (...tags: string[]) =>
      valueOf(await store.invalidate(tags.map(invalidationKeyOfTag), [], ctx));
    return { store, ctx, read, write, purge, inside: subject.inside(namespace) };
  }

  describe("entries", () => {
    it("a read of the shared store returns undefined for a key without an entry", async () => {
      const { read } = setup();
      expect((await read("product:1", "product:2")).found).toEqual([undefined, undefined]);
    });

    it.each<[string, Partial<Entry>]>([
      ["text", { body: 'Größe 😀\n\t\u0001"\\' }],
      ["bytes", { body: Uint8Array.from({ length: 256 }, (_, byte) => byte) }],
      ["no body", { body: "" }],
      ["a negative entry", { kind: "absent", body: "" }],
      ["a response", { http: { status: 404, headers: [["vary", "accept"]] } }],
      [
        "strange tags",
        {
          invalidationKeys: invalidationKeysOf("product:1", "größe 1", "!seq", "~t:x", "%w", "n:"),
        },
      ],
      [
        "500 tags",
        {
          invalidationKeys: invalidationKeysOf(
            "product:1",
            ...Array.from({ length: 500 }, (_, i) => `t${i}`),
          ),
        },
      ],
      ["a number above 2^52", { asOf: Number.MAX_SAFE_INTEGER - 1 }],
    ])(
      "an entry with %s is read from the shared store exactly as it was written",
      async (_, fields) => {
        const { read, write } = setup();
        const entry = living(fields);
        await write(entry);
        expect((await read("product:1")).found).toStrictEqual([
          { entry, hard: 0, soft: 0, unconfirmed: 0 },
        ]);
      },
    );

    it("a read of the shared store returns entries in the order of the requested keys", async () => {
      const { read, write } = setup();
      await write(...["a:1", "a:2", "a:3"].map((key) => living({ key })));
      const { found } = await read("a:3", "a:404", "a:1", "a:3");
      expect(found.map((one) => one?.entry.key)).toEqual(["a:3", undefined, "a:1", "a:3"]);
    });

    it("an entry of the shared store has expired at the instant in its field `deleteAt`", async () => {
      const { inside, read, write } = setup();
      await write(living());
      await inside.expire("product:1");
      expect((await read("product:1")).found).toEqual([undefined]);
    });

    it("a read of the shared store does not return an entry that was deleted", async () => {
      const { store, ctx, read, write } = setup();
      await write(living({ key: "a:1" }), living({ key: "a:2" }));
      valueOf(await store.delete(["a:1"], ctx));
      expect((await read("a:1", "a:2")).found.map((one) => one?.entry.key)).toEqual([
        undefined,
        "a:2",
      ]);
      expect(await store.delete([], ctx)).toMatchObject({ ok: true });
    });

    it("entries and invalidations in one namespace do not affect another namespace", async () => {
      const [one, other] = [setup(), setup()];
      await one.write(living());
      await one.purge("products");
      expect((await other.read("product:1")).found).toEqual([undefined]);
      expect(valueOf(await other.store.numbers(["t:products"], other.ctx))).toEqual([0]);
    });

    it("a write of the shared store rejects expired and oversized entries, and stores the other entries of the batch", async () => {
      const namespace = uniqueNamespace();
      const store = subject.create(namespace, { maxEntryChars: 1_000 });
      const ctx = createTestContext();
      const big = living({ key: "a:1", body: "x".repeat(1_000) });
      const past = living({ key: "a:2", deleteAt: Date.now() - 1 });
      expect(await store.write([big], ctx)).toMatchObject({ fault: { code: subject.rejected } });
      expect(await store.write([past], ctx)).toMatchObject({ fault: { code: subject.rejected } });
      expect(await store.write([big, past, living({ key: "a:3" })], ctx)).toMatchObject({
        ok: true,
      });
      expect(await store.write([], ctx)).toMatchObject({ ok: true });
      const { found } = valueOf(await store.read(["a:1", "a:2", "a:3"], 0, ctx));
      expect(found.map((one) => one?.entry.key)).toEqual([undefined, undefined, "a:3"]);
      const rejected = ctx.events.filter(({ type }) => type === "entry.reject");
      const refused = { type: "entry.reject", key: "a:1", tier: "redis", reason: "too-big" };
      expect(rejected).toEqual([refused, refused]);
    });

    it.each([
      ["of another program", "hello"],
      ["of two lines", "strata1\nn:\tk:product:1"],
      ["of another version", "strata9\nn:\tk:product:1\n{}\n"],
      ["cut off", 'strata1\nn:\tk:product:1\n{"k":"prod'],
      ["of a line of tags only", `x\n${"t:a\t".repeat(300)}\n`],
      ["of line feeds only", "\n\n\n\n"],
    ])(
      "a text %s in place of an entry of the shared store is a miss, is deleted, and is reported as corrupt",
      async (_, text) => {
        const { inside, ctx, read, write } = setup();
        await write(living({ key: "a:1" }));
        await inside.setText("product:1", text);

        const { found } = await read("product:1", "a:1");
        expect(found.map((one) => one?.entry.key)).toEqual([undefined, "a:1"]);
        await ctx.settle();

        expect(await inside.textOf("product:1")).toBeUndefined();
        expect(ctx.events).toContainEqual({
          type: "entry.reject",
          key: "product:1",
          tier: "redis",
          reason: "corrupt",
        });
      },
    );
  });

  describe("a read", () => {
    it("a read of the shared store returns the highest hard, soft and unconfirmed sequence numbers of each entry's invalidation keys", async () => {
      const { store, ctx, read, write, purge } = setup();
      await write(
        living({ key: "a:1", invalidationKeys: invalidationKeysOf("a:1", "x", "shared") }),
        living({ key: "a:2", invalidationKeys: invalidationKeysOf("a:2", "y", "shared") }),
        living({ key: "a:3", invalidationKeys: invalidationKeysOf("a:3", "z") }),
      );
      const shared = await purge("shared");
      const x = await purge("x");
      const soft = valueOf(await store.invalidate(["~t:y", "~k:a:2"], [], ctx));
      const unconfirmed = valueOf(await store.invalidate(["?t:z", "?t:x"], [], ctx));
      await purge("elsewhere");

      const { found } = await read("a:1", "a:2", "a:3");
      expect(found.map((one) => one && [one.hard, one.soft, one.unconfirmed])).toEqual([
        [x.seq, 0, unconfirmed.seq],
        [shared.seq, soft.seq, 0],
        [0, 0, unconfirmed.seq],
      ]);
    });

    it("one read of the shared store returns 500 entries with 20 tags each", async () => {
      const { read, write, purge } = setup();
      const keys = Array.from({ length: 500 }, (_, i) => `list:${i}`);
      const tagsOf = (i: number): string[] => Array.from({ length: 20 }, (_, t) => `tag${i}-${t}`);
      await write(
        ...keys.map((key, i) =>
          living({ key, invalidationKeys: invalidationKeysOf(key, ...tagsOf(i)) }),
        ),
      );
      const { seq } = await purge("tag499-19");
      const { found } = await read(...keys);
      expect(found.map((one) => one?.entry.key)).toEqual(keys);
      expect(found.filter((one) => one?.hard !== 0).map((one) => one?.hard)).toEqual([seq]);
      expect(found[499]?.hard).toBe(seq);
    });

    it("a read of the shared store returns the sequence numbers of invalidations by key, by key prefix and by namespace", async () => {
      const { store, ctx, read, write } = setup();
      for (const name of ["k:list:de:1", "p:list:", "p:list:de:", "n:"] as const) {
        await write(
          living({ key: "list:de:1", invalidationKeys: invalidationKeysOf("list:de:1") }),
        );
        const { seq } = valueOf(await store.invalidate([name], [], ctx));
        expect((await read("list:de:1")).found[0]?.hard).toBe(seq);
      }
    });

    it("a read of the shared store returns the invalidations whose number in the invalidation log is the given number or a higher one", async () => {
      const { store, ctx, purge } = setup();
      await purge("a");
      const b = await purge("b");
      const c = await purge("c");
      const { log } = valueOf(await store.read(["product:1"], b.seq, ctx));
      expect(log).toMatchObject({
        era: c.era,
        seq: c.seq,
        since: b.seq,
        floor: 0,
        truncated: false,
      });
      expect(log.changes).toEqual([
        ["t:c", c.seq],
        ["t:b", b.seq],
      ]);
    });

    it("a read of the shared store by an isolate that knows no sequence number returns the newest invalidations", async () => {
      const { read, purge } = setup();
      const { seq, era } = await purge("a");
      expect((await read("product:1")).log).toMatchObject({
        era,
        seq,
        since: 0,
        changes: [["t:a", seq]],
      });
    });

    it("a read of the shared store returns no era if the invalidation log is missing", async () => {
      const { read } = setup();
      expect((await read("product:1")).log).toMatchObject({
        era: undefined,
        seq: undefined,
        floor: 0,
      });
    });

    it("every answer from the invalidation log contains the time at which its request was sent", async () => {
      const { store } = setup();
      let now = 5_000;
      const ctx = createTestContext({ now: () => now++ });
      expect(valueOf(await store.read(["a:1"], 0, ctx)).log.sentAt).toBe(5_000);
      expect(valueOf(await store.sync(0, MAX_CHANGES, ctx)).sentAt).toBe(5_001);
      expect(valueOf(await store.sync(0, MAX_CHANGES, ctx)).sentAt).toBe(5_002);
      expect(valueOf(await store.verify([["n:"]], 0, ctx)).log.sentAt).toBe(5_003);
      expect(valueOf(await store.establish({ era: undefined, seq: 0 }, ctx)).sentAt).toBe(5_004);
    });
  });
}
