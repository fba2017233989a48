import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MemoryTier } from "../../../src/core/tier.ts";
import { startHeap, type Heap } from "./heap.ts";

/** Some forty fills with a collection each. The time only ends a test that hangs. */
const TIMEOUT_MS = 300_000;

type MemoryStats = ReturnType<MemoryTier["stats"]>;

let heap: Heap;
beforeAll(async () => {
  heap = await startHeap(join(import.meta.dirname, "entry-fills.ts"));
});
afterAll(() => heap[Symbol.asyncDispose]());

describe("the bytes that the memory tier counts for its entries, in workerd", () => {
  it.for(["loaded", "read"])(
    "entries of every kind of body, tags, keys and header fields, %s, count within a tenth of the heap that they take",
    { timeout: TIMEOUT_MS },
    async (way) => {
      const names = (await heap.fill("names")).answer as string[];
      const wrong: string[] = [];
      for (const name of names) {
        const { bytes, answer } = await heap.fill(`${way}/${name}`);
        const ratio = (answer as MemoryStats).bytes / bytes;
        if (!(Math.abs(ratio - 1) <= 0.1)) wrong.push(`${name}: ${ratio.toFixed(2)}`);
      }
      expect(names.length).toBeGreaterThan(20);
      expect(wrong).toEqual([]);
    },
  );
});
