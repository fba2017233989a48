import { describe, expect, it, vi } from "vitest";
import { createTestContext } from "../support/context.ts";
import { redisCommand } from "../support/gateway.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { describeEntries, living } from "../stores/entries-contract.ts";
import { describeErase } from "../stores/erase-contract.ts";
import { createTestStore, valueOf } from "./stores.ts";
import { redisSubject } from "./subject.ts";

describe("the shared store in Redis", () => {
  describeEntries(redisSubject);
  describeErase(redisSubject);
});

describe("entries as Redis keeps them", () => {
  it("an entry in Redis expires at the instant in its field `deleteAt`", async () => {
    const namespace = uniqueNamespace();
    valueOf(await createTestStore(namespace).write([living()], createTestContext()));
    const ttl = await redisCommand<number>("PTTL", `${namespace}:e:product:1`);
    expect(ttl).toBeGreaterThan(55_000);
    expect(ttl).toBeLessThanOrEqual(60_000);
  });

  it("the shared store rejects a binary body over the size limit without compressing it, and compresses a text body over the limit", async () => {
    const store = createTestStore(uniqueNamespace(), {
      maxEntryChars: 2_000,
      packFromChars: 1_000,
    });
    const ctx = createTestContext();
    const compress = vi.spyOn(globalThis, "CompressionStream");
    const binary = living({ key: "a:1", body: new Uint8Array(3_000) });
    expect(await store.write([binary], ctx)).toMatchObject({ fault: { code: "redis.rejected" } });
    expect(compress).not.toHaveBeenCalled();
    const text = living({ key: "a:2", body: "x".repeat(3_000) });
    expect(await store.write([text], ctx)).toMatchObject({ ok: true });
    expect(compress).toHaveBeenCalledTimes(1);
    vi.restoreAllMocks();
  });

  it("a large entry is stored compressed in Redis, and can still be read and invalidated", async () => {
    const namespace = uniqueNamespace();
    const store = createTestStore(namespace, { maxEntryChars: 2_000, packFromChars: 1_000 });
    const ctx = createTestContext();
    const entry = living({ body: JSON.stringify(Array(500).fill("größe")) });
    expect(await store.write([entry], ctx)).toMatchObject({ ok: true });
    const text = await redisCommand<string>("GET", `${namespace}:e:${entry.key}`);
    expect(text.startsWith("strata1+gzip\n")).toBe(true);
    // A store that does not pack reads it too.
    const plain = createTestStore(namespace);
    const before = valueOf(await plain.read([entry.key], 0, ctx)).found[0];
    expect(before?.entry).toEqual(entry);
    const { seq } = valueOf(await store.invalidate([`k:${entry.key}`], [], ctx));
    expect(valueOf(await store.read([entry.key], 0, ctx)).found[0]?.hard).toBe(seq);
  });
});
