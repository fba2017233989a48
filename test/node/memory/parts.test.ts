import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHeap, type Heap } from "./heap.ts";

let heap: Heap;
beforeAll(async () => {
  heap = await startHeap(join(import.meta.dirname, "part-fills.ts"));
});
afterAll(() => heap[Symbol.asyncDispose]());

const MIB = 2 ** 20;

/** The most MiB of each part: docs/operations/sizing.md has the table. */
const SHARES: readonly (readonly [part: string, mib: number])[] = [
  ["log view", 12],
  ["marks", 8],
  ["accounts", 7],
  ["key notes", 3],
  ["export queue", 8],
  ["meter", 2],
  ["traffic", 2],
  ["small maps", 3],
  ["existence filter", 1],
  ["ghosts", 1],
  ["recordings", 8],
  ["flights", 5],
];

describe("the heap of workerd that a part of an isolate keeps when keys, clients or writes fill it", () => {
  it.for(SHARES)("%s: at most %i MiB", async ([part, mib]) => {
    const { bytes } = await heap.fill(part);
    expect(bytes).toBeGreaterThan(MIB / 20);
    expect(bytes).toBeLessThan(mib * MIB);
  });
});
