import { describe, expect, it } from "vitest";
import type { Entry } from "../../../src/core/entry.ts";
import { createRecord } from "../../../src/telemetry/traces/request-record.ts";
import { entryOf } from "../../support/entries.ts";
import { createListener, sizedEntry } from "./traffic-world.ts";

function createWorld() {
  const entries = new Map<string, Entry>();
  let now = 1_000;
  const listener = createListener({ peek: (key) => entries.get(key) }, () => now);
  return {
    ...listener,
    entries,
    advance: (ms: number) => void (now += ms),
    load(key: string) {
      entries.set(key, sizedEntry(key, now));
      listener.read(key, "miss");
    },
  };
}

describe("the recorder of traffic", () => {
  it("the sketch has each read of a key with its instant and the age of the entry, and no text of a key", () => {
    const { load, read, advance, sketch } = createWorld();
    load("product:1");
    advance(500);
    read("product:1", "hit-memory");
    advance(500);
    read("product:1", "stale");
    const { keys, kinds, reads, threshold } = sketch();
    expect(threshold).toBe(2 ** 32);
    expect([...reads.at]).toEqual([1_000, 1_500, 2_000]);
    expect([...reads.age]).toEqual([0, 500, 1_000]);
    expect([...reads.reads]).toEqual([1, 2, 3]);
    expect([...reads.memoryMisses]).toEqual([1, 1, 1]);
    expect([...reads.misses]).toEqual([1, 1, 1]);
    expect(kinds).toEqual(["product"]);
    expect(keys).toMatchObject([{ kind: 0, loadMs: 5, freshMs: 3_600_000, negative: false }]);
    expect(JSON.stringify({ keys, kinds })).not.toContain("product:1");
  });

  it("with more than 2,048 keys the sampling rate falls, and the sketch has all reads of each key that stays in the sample", () => {
    const { load, read, sketch } = createWorld();
    const count = 10_000;
    for (let id = 0; id < count; id++) load(`product:${id}`);
    const before = sketch();
    expect(before.keys.length).toBeLessThanOrEqual(2_048);
    expect(before.keys.length).toBeGreaterThan(1_500);
    const rate = before.threshold / 2 ** 32;
    expect(before.keys.length / count / rate).toBeGreaterThan(0.9);
    expect(before.keys.length / count / rate).toBeLessThan(1.1);
    for (let id = 0; id < count; id++) read(`product:${id}`, "hit-memory");
    const { reads, keys } = sketch();
    expect(reads.hash.length).toBe(2 * keys.length);
    // The count is of all keys, in the sample or not.
    expect(reads.reads.at(-1)).toBeGreaterThan(2 * count - 100);
  });

  it("the sketch keeps the last 16,384 reads", () => {
    const { load, read, sketch } = createWorld();
    load("product:1");
    load("product:2");
    for (let i = 0; i < 16_384; i++) read("product:2", "hit-memory");
    const { reads, keys, since } = sketch();
    expect(reads.hash.length).toBe(16_384);
    expect(keys).toHaveLength(1);
    expect(reads.reads[0]).toBe(3);
    expect(since).toBe(1_000);
  });

  it("keys that are not read any more leave the sketch before the sampling rate falls", () => {
    const { load, read, sketch } = createWorld();
    for (let id = 0; id < 2_000; id++) load(`product:${id}`);
    for (let i = 0; i < 16_384; i++) read("product:1", "hit-memory");
    for (let id = 3_000; id < 4_000; id++) load(`product:${id}`);
    expect(sketch().threshold).toBe(2 ** 32);
  });

  it("a lookup of a refresh in the background is no read", () => {
    const { load, read, sketch } = createWorld();
    load("product:1");
    const refresh = createRecord({
      span: undefined,
      sampled: false,
      parent: undefined,
      link: undefined,
      background: true,
      startedAt: 0,
      method: "GET",
      url: "https://shop.test/",
      request: undefined,
      baggage: "",
    });
    read("product:1", "miss", refresh);
    read("product:1", "hit-memory");
    expect([...sketch().reads.reads]).toEqual([1, 2]);
  });

  it("a read after an invalidation is marked, and further kinds than 32 are recorded as the last one", () => {
    const { load, read, invalidated, sketch } = createWorld();
    load("product:1");
    invalidated("product:1");
    load("product:1");
    read("product:1", "hit-memory");
    expect([...sketch().reads.invalidated]).toEqual([0, 1, 0]);
    for (let kind = 0; kind < 40; kind++) read(`kind${kind}:1`, "miss");
    expect(sketch().kinds).toHaveLength(32);
  });

  it("a read whose entry a later load has replaced keeps the age of the former entry", () => {
    const { load, read, entries, advance, sketch } = createWorld();
    load("product:1");
    advance(100);
    // The read waits to be recorded, and a refresh replaces the entry meanwhile.
    read("product:1", "hit-memory");
    advance(100);
    entries.set("product:1", entryOf({ key: "product:1", storedAt: 1_200 }));
    expect([...sketch().reads.age]).toEqual([0, 100]);
  });
});
