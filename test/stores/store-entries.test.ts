import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { createStoreEntries, type StoreEntries } from "../../src/durable/store-entries.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const MAX_BYTES = 100_000;

/** Runs `act` with the entries of a fresh database that holds at most 100,000 bytes. */
async function withEntries(
  act: (
    entries: StoreEntries,
    clock: { now: number },
    count: () => number,
    restart: () => StoreEntries,
  ) => void,
): Promise<void> {
  const stub = env.STRATA.get(env.STRATA.idFromName(uniqueNamespace()));
  await runInDurableObject(stub, (_, { storage }) => {
    const clock = { now: 1_000_000 };
    const sql = {
      exec: (query: string, ...bindings: readonly (string | number | null)[]) =>
        storage.sql.exec(query, ...bindings).toArray() as never,
      transaction: <T>(work: () => T) => storage.transactionSync(work),
    };
    const start = () => createStoreEntries(sql, () => clock.now, MAX_BYTES);
    const count = () => Number(storage.sql.exec("SELECT count(*) AS n FROM entries").one()["n"]);
    act(start(), clock, count, start);
  });
}

const entry = (key: string, ttlMs: number, bytes = 1_000) => ({
  key,
  text: "x".repeat(bytes),
  ttlMs,
});
const keysOf = (count: number, name = "a") =>
  Array.from({ length: count }, (_, i) => `${name}:${i}`);

describe("a database of entries that is full", () => {
  it("a write into a full database removes expired entries first", async () => {
    await withEntries((entries, clock) => {
      entries.write(keysOf(64, "short").map((key) => entry(key, 10)));
      entries.write(keysOf(36, "long").map((key) => entry(key, 10_000)));
      clock.now += 100;
      entries.write([entry("new:1", 10_000)]);
      expect(entries.texts(["short:0", "short:63"])).toEqual(["", ""]);
      expect(entries.texts(["long:0", "long:35", "new:1"]).map((text) => text.length)).toEqual([
        1_000, 1_000, 1_000,
      ]);
    });
  });

  it("a write into a full database without expired entries removes those that end soonest", async () => {
    await withEntries((entries, _clock, count) => {
      entries.write(keysOf(100).map((key, i) => entry(key, 1_000 + i)));
      expect(count()).toBe(100);
      entries.write([entry("new:1", 500_000)]);
      expect(count()).toBe(37);
      expect(entries.texts(["a:63", "a:64"]).map((text) => text.length)).toEqual([0, 1_000]);
    });
  });

  it("an entry that replaces another one of the same key takes its bytes only once", async () => {
    await withEntries((entries, _clock, count) => {
      for (let i = 0; i < 50; i++) entries.write([entry("a:1", 10_000, 9_000)]);
      entries.write(keysOf(90, "b").map((key) => entry(key, 10_000)));
      expect(count()).toBe(91);
    });
  });

  it("the bytes of removed entries are free again", async () => {
    await withEntries((entries, clock, count) => {
      entries.write(keysOf(100).map((key) => entry(key, 10)));
      entries.remove(keysOf(50));
      clock.now += 100;
      expect(entries.removeExpired(50)).toBe(true);
      expect(entries.removeExpired(50)).toBe(false);
      expect(count()).toBe(0);
      entries.write(keysOf(100, "b").map((key) => entry(key, 10_000)));
      expect(count()).toBe(100);
    });
  });

  it("a fresh life of the object counts the bytes that are on its disk", async () => {
    await withEntries((entries, _clock, count, restart) => {
      entries.write(keysOf(100).map((key, i) => entry(key, 1_000 + i)));
      restart().write([entry("new:1", 500_000)]);
      expect(count()).toBe(37);
    });
  });

  it("an answer leaves out the texts beyond 8 Mi characters", async () => {
    await withEntries((entries) => {
      entries.write([entry("big:1", 10_000, 90_000)]);
      const lengths = entries
        .texts(Array.from({ length: 100 }, () => "big:1"))
        .map((t) => t.length);
      expect(lengths.filter((length) => length > 0)).toHaveLength(94);
    });
  });
});
