import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NOT_COMPILED, startInspected, type InspectedWorker } from "./workerd.ts";
import { allocatedDuring, CONSTANT_INTERVAL_FLAG } from "../../../tools/heap/allocations.ts";

/** So small that V8 samples every object, and its weights add at most 5 %. */
const SAMPLING_BYTES = 4;
const HITS = 300;

let worker: InspectedWorker;
beforeAll(async () => {
  const main = join(import.meta.dirname, "hits.ts");
  worker = await startInspected(main, `${CONSTANT_INTERVAL_FLAG} ${NOT_COMPILED}`);
});
afterAll(() => worker[Symbol.asyncDispose]());

/** Sends requests one after the other. Returns the `Cache-Status` of the last answer. */
async function ask(path: string, count: number): Promise<string | null> {
  let status: string | null = null;
  for (let at = 0; at < count; at++) {
    const response = await fetch(new URL(path, worker.url));
    await response.arrayBuffer();
    status = response.headers.get("Cache-Status");
  }
  return status;
}

/** Returns the bytes that the isolate allocates for one request of this path. */
async function bytesOf(path: string): Promise<number> {
  await ask(path, 100);
  const counted = { objects: "all", samplingInterval: SAMPLING_BYTES } as const;
  const { bytes } = await allocatedDuring(worker.inspector, counted, async () => {
    const status = await ask(path, HITS);
    if (status !== null) expect(status).toContain("detail=memory");
  });
  return bytes / HITS;
}

describe("the bytes that a request allocates in V8's heap, by V8's sampling heap profiler", () => {
  it("an array of 2,000 bytes is counted", async () => {
    const more = (await bytesOf("/array/42")) - (await bytesOf("/bare/42"));
    expect(more).toBeGreaterThan(2_000);
    expect(more).toBeLessThan(6_000);
  });

  it.each([
    ["/cached/42", 3_000, 4_700],
    ["/read/42", 3_000, 5_350],
  ])("a hit of %s allocates %d to %d bytes more than a bare route", async (path, least, most) => {
    const more = (await bytesOf(path)) - (await bytesOf("/bare/42"));
    console.log(path, more);
    expect(more).toBeGreaterThanOrEqual(least);
    expect(more).toBeLessThanOrEqual(most);
  });
});
