import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { normalizeOptions } from "../../../src/config/read-settings.ts";
import { MAX_BYTES_AT_ONCE } from "../../../src/http/routes/idempotency.ts";
import { MAX_COPIED_BYTES } from "../../../src/http/routes/response-body.ts";
import { MAX_QUEUED_BYTES_OF_ISOLATE } from "../../../src/live/limits.ts";
import { startHeap, type Heap } from "./heap.ts";

let heap: Heap;
beforeAll(async () => {
  heap = await startHeap(join(import.meta.dirname, "part-fills.ts"));
});
afterAll(() => heap[Symbol.asyncDispose]());

const MIB = 2 ** 20;

/** The most MiB of each part: docs/operations/sizing.md has the table. */
const SHARES: readonly (readonly [part: string, mib: number])[] = [
  ["log view", 10.75],
  ["marks", 7.25],
  ["accounts", 6],
  ["key notes", 2.75],
  ["export queue", 6.75],
  ["meter", 1.5],
  ["traffic", 1],
  ["small maps", 2.5],
  ["existence filter", 1],
  ["ghosts", 0.25],
  ["recordings", 7],
  ["flights", 4],
];

const { memory, proxy } = normalizeOptions({}).settings;

/** The most bytes of the parts that other tests fill. The memory tier counts within a tenth: test/node/memory/entry-size.test.ts. */
const BUDGETS: readonly number[] = [
  memory.maxBytes * 1.1,
  proxy.maxBytesInFlight,
  MAX_COPIED_BYTES,
  MAX_QUEUED_BYTES_OF_ISOLATE,
  // The API reads as many bytes of bodies at a time as the middleware for the idempotency key does.
  2 * MAX_BYTES_AT_ONCE,
  // Answers from entries: test/node/memory/answers.test.ts.
  MIB,
];

/** The heap of the reference application before its first request. */
const CODE_MIB = 4.4;
const PLATFORM_BYTES = 128_000_000;

describe("the heap of workerd that a part of an isolate keeps when keys, clients or writes fill it", () => {
  it.for(SHARES)("%s: at most %i MiB", async ([part, mib]) => {
    const { bytes } = await heap.fill(part);
    expect(bytes).toBeGreaterThan(MIB / 20);
    expect(bytes).toBeLessThan(mib * MIB);
  });

  it("all parts at the most that their tests allow, the budgets at their defaults and the code have less than 128 MB together", () => {
    const parts = SHARES.reduce((sum, [, mib]) => sum + mib, CODE_MIB) * MIB;
    const budgets = BUDGETS.reduce((sum, bytes) => sum + bytes, 0);
    expect(parts + budgets).toBeLessThan(PLATFORM_BYTES);
  });
});
