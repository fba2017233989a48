import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { NOT_COMPILED, startInspected } from "./workerd.ts";
import { allocatedDuring, CONSTANT_INTERVAL_FLAG } from "../../../tools/heap/allocations.ts";

const MAIN = join(import.meta.dirname, "hits.ts");
const FLAGS = `${CONSTANT_INTERVAL_FLAG} ${NOT_COMPILED}`;
/** So small that V8 samples every object, and its weights add at most 5 %. */
const SAMPLING_BYTES = 4;
const HITS = 300;

/** Sends requests one after the other. Returns the `Cache-Status` of the last answer. */
async function ask(url: URL, count: number): Promise<string | null> {
  let status: string | null = null;
  for (let at = 0; at < count; at++) {
    const response = await fetch(url);
    await response.arrayBuffer();
    status = response.headers.get("Cache-Status");
  }
  return status;
}

interface Measured {
  readonly bytes: number;
  /** The `Cache-Status` of the last answer. */
  readonly status: string | null;
}

/** Returns the least of three counts. On a busy machine the syncs of the log come to more bytes for each request. */
async function measure(path: string): Promise<Measured> {
  const counts = [await measureOnce(path), await measureOnce(path), await measureOnce(path)];
  return counts.toSorted((one, other) => one.bytes - other.bytes)[0]!;
}

/** Counts the bytes that a new isolate allocates for one request of this path. */
async function measureOnce(path: string): Promise<Measured> {
  await using worker = await startInspected(MAIN, FLAGS);
  const url = new URL(path, worker.url);
  await ask(url, 100);
  let status: string | null = null;
  const counted = { objects: "all", samplingInterval: SAMPLING_BYTES } as const;
  const { bytes } = await allocatedDuring(worker.inspector, counted, async () => {
    status = await ask(url, HITS);
  });
  return { bytes: bytes / HITS, status };
}

describe("the bytes that a request allocates in V8's heap, by V8's sampling heap profiler", () => {
  let bare: number;
  beforeAll(async () => {
    ({ bytes: bare } = await measure("/bare/42"));
  });

  it("an array of 2,000 bytes is counted", async () => {
    const { bytes } = await measure("/array/42");
    expect(bytes - bare).toBeGreaterThan(2_000);
    expect(bytes - bare).toBeLessThan(6_000);
  });

  it.each([
    ["/cached/42", 3_900, 4_500],
    ["/read/42", 4_500, 5_150],
  ])("a hit of %s allocates %d to %d bytes more than a bare route", async (path, least, most) => {
    const { bytes, status } = await measure(path);
    expect(status).toContain("detail=memory");
    expect(bytes - bare).toBeGreaterThanOrEqual(least);
    expect(bytes - bare).toBeLessThanOrEqual(most);
  });
});
