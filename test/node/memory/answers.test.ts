import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHeap, type Heap } from "./heap.ts";

let heap: Heap;
beforeAll(async () => {
  heap = await startHeap(join(import.meta.dirname, "answer-fills.ts"));
});
afterAll(() => heap[Symbol.asyncDispose]());

const MIB = 2 ** 20;

describe("the heap of workerd that the answers from entries keep beside the entries", () => {
  it("answers from 20,000 entries keep at most 1 MiB, which the memory tier does not count", async () => {
    await heap.fill("entries");
    const { bytes } = await heap.fill("answers");
    expect(bytes).toBeLessThan(MIB);
  });
});
