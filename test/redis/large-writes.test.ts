import { afterEach, describe, expect, it } from "vitest";
import type { Entry } from "../../src/core/entry.ts";
import { createTestContext } from "../support/context.ts";
import { entryOf } from "../support/entries.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { observeRequests, refuseRequests, restoreNetwork } from "../support/network.ts";
import { createTestStore, valueOf } from "./stores.ts";

/** Upstash accepts requests of at most this many bytes. */
const UPSTASH_LIMIT = 10_000_000;

function setup() {
  const store = createTestStore(uniqueNamespace(), { maxEntryChars: 2_000_000 });
  const ctx = createTestContext();
  const storedAt = Date.now();
  const entry = (i: number, chars: number, fields: Partial<Entry> = {}): Entry =>
    entryOf({
      key: `list:${i}`,
      storedAt,
      freshUntil: storedAt + 60_000,
      body: "x".repeat(chars),
      ...fields,
    });
  const found = async (entries: readonly Entry[]) => {
    const keys = entries.map(({ key }) => key);
    const read = valueOf(await store.read(keys, 0, ctx));
    return read.found.flatMap((one) => (one === undefined ? [] : [one.entry.key]));
  };
  return { store, ctx, entry, found };
}

/** Notes the number of bytes of every write from now on. */
function observeWrites(): number[] {
  const sizes: number[] = [];
  observeRequests((body) => {
    if (body.includes('"set"')) sizes.push(new TextEncoder().encode(body).length);
  });
  return sizes;
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("large writes", () => {
  afterEach(restoreNetwork);

  it("a write of 500 entries of 10,000 characters sends 6 requests of less than 1,000,000 bytes, and stores all entries", async () => {
    const { store, ctx, entry, found } = setup();
    const entries = range(500).map((i) => entry(i, 10_000));
    const sizes = observeWrites();
    const { keys, fault, requests } = valueOf(await store.write(entries, ctx));
    expect(sizes).toHaveLength(6);
    expect(requests).toBe(6);
    expect(Math.max(...sizes)).toBeLessThan(1_000_000);
    expect(fault).toBeUndefined();
    expect([...keys]).toEqual(entries.map(({ key }) => key));
    expect(await found(entries)).toEqual([...keys]);
  });

  it("a write of characters that JSON writes with six bytes sends no request over the limit of Upstash", async () => {
    const { store, ctx, entry } = setup();
    const entries = range(4).map((i) => entry(i, 0, { body: "\u0001".repeat(800_000) }));
    const sizes = observeWrites();
    await store.write(entries, ctx);
    expect(sizes).toHaveLength(4);
    expect(Math.max(...sizes)).toBeLessThan(UPSTASH_LIMIT);
  });

  it("an entry that is longer than one request of a write should be has a request of its own", async () => {
    const { store, ctx, entry, found } = setup();
    const entries = [entry(0, 100), entry(1, 1_500_000), entry(2, 100)];
    const sizes = observeWrites();
    await store.write(entries, ctx);
    expect(sizes.filter((size) => size > 1_500_000)).toHaveLength(1);
    expect(sizes).toHaveLength(3);
    expect(await found(entries)).toHaveLength(3);
  });

  it("a write of which Redis does not accept one request stores the entries of the other requests, and reports which entries these are", async () => {
    const { store, ctx, entry, found } = setup();
    const entries = range(500).map((i) => entry(i, 10_000));
    const refused: string[] = [];
    refuseRequests((body) => {
      if (!body.includes("list:250")) return false;
      refused.push(body);
      return true;
    });
    const { keys, fault } = valueOf(await store.write(entries, ctx));
    restoreNetwork();
    expect(refused).toHaveLength(1);
    const lost = entries.filter(({ key }) => refused[0]?.includes(`e:${key}"`));
    expect(lost.length).toBeGreaterThan(1);
    expect(lost.length).toBeLessThan(100);
    expect(fault).toMatchObject({ code: "redis.unavailable" });
    expect(keys.size).toBe(500 - lost.length);
    expect(await found(entries)).toEqual([...keys]);
  });

  it("a write of which Redis refuses one entry reports this entry as not stored, and stores the other entries of its request", async () => {
    const { store, ctx, entry, found } = setup();
    // Redis cannot count so far.
    const entries = [entry(0, 10), entry(1, 10, { deleteAt: 1e20 }), entry(2, 10)];
    const { keys, fault } = valueOf(await store.write(entries, ctx));
    expect([...keys]).toEqual(["list:0", "list:2"]);
    expect(fault?.message).toContain("ERR");
    expect(await found(entries)).toEqual(["list:0", "list:2"]);
  });

  it("a write of which Redis accepts no request fails with the fault of the first request", async () => {
    const { store, ctx, entry } = setup();
    refuseRequests(() => true);
    expect(
      await store.write(
        range(200).map((i) => entry(i, 10_000)),
        ctx,
      ),
    ).toMatchObject({
      ok: false,
      fault: { code: "redis.unavailable" },
    });
  });
});
