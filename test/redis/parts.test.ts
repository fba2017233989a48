import fc from "fast-check";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { encodeEntry } from "../../src/core/codec.ts";
import { MAX_PAGE, type ErasedPage } from "../../src/core/erasure.ts";
import type { InvalidationKey } from "../../src/core/invalidation-key.ts";
import { joinParts, partNamesOf, split } from "../../src/redis/parts.ts";
import { createTestContext } from "../support/context.ts";
import { entryOf, invalidationKeysOf } from "../support/entries.ts";
import { redisCommand } from "../support/gateway.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { refuseRequests, restoreNetwork } from "../support/network.ts";
import { createTestStore, valueOf } from "./stores.ts";

const bodies = fc.string({ unit: fc.constantFrom("a", "é", "😀", "\n", '"'), maxLength: 300 });

/** Runs all parts of an erasure: other tests have keys in the same database. Returns the keys of the removed entries. */
async function eraseAll(
  store: ReturnType<typeof createTestStore>,
  name: InvalidationKey,
  ctx: ReturnType<typeof createTestContext>,
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined;) {
    const part: ErasedPage = valueOf(
      await store.erase!({ names: [name], seq: 0, era: "" }, cursor, MAX_PAGE, ctx),
    );
    removed.push(...part.keys);
    ({ cursor } = part);
  }
  return removed;
}

describe("the parts of a large entry", () => {
  it("a divided text comes back whole, and no part is longer than allowed", async () => {
    await fc.assert(
      fc.asyncProperty(bodies, fc.integer({ min: 2, max: 200 }), async (body, partChars) => {
        const text = encodeEntry(entryOf({ body }));
        const divided = await split(text, partChars);
        if (divided === undefined) {
          expect(Math.ceil(text.length / partChars)).toBeGreaterThanOrEqual(16);
          return;
        }
        const { head, parts } = divided;
        expect(parts.every((part) => part.text.length <= partChars)).toBe(true);
        expect(head.split("\n")[1]).toBe(text.split("\n")[1]);
        expect(partNamesOf(head)).toEqual(parts.map(({ name }) => name));
        expect(
          await joinParts(
            head,
            parts.map((part) => part.text),
          ),
        ).toBe(text);
      }),
    );
  });

  it("texts of two loads have no part in common, and a part of one in place of a part of the other is refused", async () => {
    const one = await split(encodeEntry(entryOf({ body: "x".repeat(500) })), 200);
    const next = entryOf({ body: "x".repeat(500), storedAt: 1_000_001 });
    const other = await split(encodeEntry(next), 200);
    if (one === undefined || other === undefined) throw new Error("not divided");
    const names = new Set(one.parts.map(({ name }) => name));
    expect(other.parts.some(({ name }) => names.has(name))).toBe(false);
    for (const place of one.parts.keys()) {
      const mixed = one.parts.map(({ text }, i) => (i === place ? other.parts[i]?.text : text));
      const isSame = one.parts[place]?.text === other.parts[place]?.text;
      expect((await joinParts(one.head, mixed)) === undefined).toBe(!isSame);
      const short = one.parts.map(({ text }, i) => (i === place ? null : text));
      expect(await joinParts(one.head, short)).toBeUndefined();
    }
  });

  it("a text of more than 16 parts, and one with a lone surrogate, are not divided", async () => {
    expect(await split("x".repeat(1_601), 100)).toBeUndefined();
    expect((await split("x".repeat(1_600), 100))?.parts).toHaveLength(16);
    expect(await split(`${"x".repeat(200)}\ud800`, 100)).toBeUndefined();
  });

  it.each([
    "strata1+parts\nn:\nnonsense",
    "strata1+parts\nn:",
    `strata1+parts\nn:\n${"a".repeat(64)} 17`,
  ])("the text %j is no head", (text) => {
    expect(partNamesOf(text)).toEqual([]);
  });
});

describe("the shared store in Redis with the option `oversize`", () => {
  afterEach(restoreNetwork);
  const storedAt = Date.now();
  const living = (fields: Parameters<typeof entryOf>[0] = {}) =>
    entryOf({ storedAt, freshUntil: storedAt + 60_000, ...fields });
  const big = living({
    body: "x".repeat(2_500),
    invalidationKeys: invalidationKeysOf("product:1", "all"),
  });

  function setup(splits = true) {
    const namespace = uniqueNamespace();
    const store = createTestStore(namespace, { maxEntryChars: 1_000, splits });
    const ctx = createTestContext();
    const read = async (key = "product:1") =>
      valueOf(await store.read([key], 0, ctx)).found.map((one) => one?.entry.body);
    const keysOf = async (kind: string) =>
      (await redisCommand<string[]>("KEYS", `${namespace}:${kind}:*`)).toSorted();
    return { namespace, store, ctx, read, keysOf };
  }

  it("an entry over the limit is refused by default, and stored in parts with the value `split`", async () => {
    const refusing = setup(false);
    expect(await refusing.store.write([big], refusing.ctx)).toMatchObject({ ok: false });
    expect(refusing.ctx.events).toEqual([
      { type: "entry.reject", key: "product:1", tier: "redis", reason: "too-big" },
    ]);
    const { store, ctx, read, keysOf } = setup();
    expect(valueOf(await store.write([big], ctx)).keys).toEqual(new Set(["product:1"]));
    expect(await keysOf("p")).toHaveLength(3);
    expect(await read()).toEqual([big.body]);
    expect(ctx.events).toEqual([]);
  });

  it("a purge gives the number of its tag to an entry in parts", async () => {
    const { store, ctx } = setup();
    valueOf(await store.write([big], ctx));
    const { seq } = valueOf(await store.invalidate(["t:all"], [], ctx));
    const [found] = valueOf(await store.read(["product:1"], 0, ctx)).found;
    expect(found).toMatchObject({ hard: seq, entry: { key: "product:1" } });
  });

  it("an entry without one of its parts is a miss, keeps its head, and is read again when the part is there", async () => {
    const { store, ctx, read, keysOf } = setup();
    valueOf(await store.write([big], ctx));
    const [, part = ""] = await keysOf("p");
    const text = await redisCommand<string>("GET", part);
    await redisCommand("DEL", part);
    expect(await read()).toEqual([undefined]);
    await ctx.settle();
    expect(ctx.events).toEqual([
      { type: "entry.reject", key: "product:1", tier: "redis", reason: "incomplete" },
    ]);
    // A replica that is behind gets the part later.
    await redisCommand("SET", part, text, "PX", 60_000);
    expect(await read()).toEqual([big.body]);
  });

  it("a request for parts that fails makes its entry a miss with a fault, and the other entries of the read answer", async () => {
    const { store, ctx } = setup();
    const small = living({ key: "product:2", body: "small" });
    valueOf(await store.write([big, small], ctx));
    refuseRequests((body) => body.includes('"mget"'));
    const read = valueOf(await store.read(["product:1", "product:2"], 0, ctx));
    expect(read.found.map((one) => one?.entry.body)).toEqual([undefined, "small"]);
    expect(ctx.events).toEqual([
      { type: "fault.raise", fault: expect.objectContaining({ code: "redis.unavailable" }) },
      { type: "entry.reject", key: "product:1", tier: "redis", reason: "incomplete" },
    ]);
    restoreNetwork();
    const again = valueOf(await store.read(["product:1"], 0, ctx));
    expect(again.found.map((one) => one?.entry.body)).toEqual([big.body]);
  });

  it("an entry with a part of another text is a miss, is deleted, and is reported as corrupt", async () => {
    const { store, ctx, read, keysOf } = setup();
    valueOf(await store.write([big], ctx));
    const [, part = ""] = await keysOf("p");
    await redisCommand("SET", part, "another text", "PX", 60_000);
    expect(await read()).toEqual([undefined]);
    await ctx.settle();
    expect(await keysOf("e")).toEqual([]);
    expect(ctx.events).toEqual([
      { type: "entry.reject", key: "product:1", tier: "redis", reason: "corrupt" },
    ]);
  });

  it("the head of a former load finds its own parts after a later load of the key was stored", async () => {
    const { namespace, store, ctx, read } = setup();
    valueOf(await store.write([big], ctx));
    const head = await redisCommand<string>("GET", `${namespace}:e:product:1`);
    const later = living({ body: "y".repeat(2_500), storedAt: storedAt + 1 });
    valueOf(await store.write([later], ctx));
    expect(await read()).toEqual([later.body]);
    await redisCommand("SET", `${namespace}:e:product:1`, head, "PX", 60_000);
    expect(await read()).toEqual([big.body]);
  });

  it("an erasure of a tag removes the head and the parts of an entry, and parts that a former load of its key has left, and no other entry", async () => {
    const { store, ctx, read, keysOf } = setup();
    const former = { ...big, body: "z".repeat(2_500) };
    valueOf(await store.write([former], ctx));
    valueOf(await store.write([big], ctx));
    expect(await keysOf("p")).toHaveLength(6);
    expect(await eraseAll(store, "t:none", ctx)).toEqual([]);
    expect(await read()).toEqual([big.body]);
    expect(await eraseAll(store, "t:all", ctx)).toEqual(["product:1"]);
    expect([...(await keysOf("p")), ...(await keysOf("e"))]).toEqual([]);
  });

  it("an erasure removes parts whose first part is gone", async () => {
    const { namespace, store, ctx, keysOf } = setup();
    valueOf(await store.write([big], ctx));
    const first = (await keysOf("p")).find((key) => key.endsWith(":0")) ?? "";
    await redisCommand("DEL", first, `${namespace}:e:product:1`);
    expect(await keysOf("p")).toHaveLength(2);
    expect(await eraseAll(store, "t:other", ctx)).toEqual([]);
    expect(await keysOf("p")).toEqual([]);
  });

  it("the number of requests of an erasure includes those for the parts of entries", async () => {
    const { store, ctx } = setup();
    valueOf(await store.write([{ ...big, body: "z".repeat(2_500) }], ctx));
    valueOf(await store.write([big], ctx));
    const sent = vi.spyOn(globalThis, "fetch");
    onTestFinished(() => sent.mockRestore());
    let requests = 0;
    let most = 0;
    for (let cursor: string | undefined = ""; cursor !== undefined;) {
      const scope = { names: ["t:all" as const], seq: 0, era: "" };
      const part: ErasedPage = valueOf(await store.erase!(scope, cursor, MAX_PAGE, ctx));
      most = Math.max(most, part.requests);
      requests += part.requests;
      ({ cursor } = part);
    }
    expect(requests).toBe(sent.mock.calls.length);
    // A scan, a look at the first parts, the script for them and two removals; the head may be on another page.
    expect(most).toBeGreaterThanOrEqual(5);
  });

  it("an entry of more than 16 parts is refused", async () => {
    const { store, ctx } = setup();
    const huge = living({ body: "x".repeat(16_001) });
    expect(await store.write([huge], ctx)).toMatchObject({ fault: { code: "redis.rejected" } });
    expect(ctx.events).toMatchObject([{ reason: "too-big" }]);
  });

  it("the parts of an entry end after the entry", async () => {
    const { namespace, store, ctx, keysOf } = setup();
    valueOf(await store.write([big], ctx));
    const head = await redisCommand<number>("PTTL", `${namespace}:e:product:1`);
    for (const part of await keysOf("p"))
      expect(await redisCommand<number>("PTTL", part)).toBeGreaterThan(head);
  });
});
