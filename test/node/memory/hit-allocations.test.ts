import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allocatedDuring, V8_FLAGS } from "../../../tools/heap/allocations.ts";
import { bundleForWorkerd } from "../../../tools/package/bundle.ts";

/** V8 counts each object of this size or more, and smaller ones in proportion. */
const SAMPLING_BYTES = 32;
const HITS = 1_000;
/** Without compiled code the same work allocates the same bytes. */
const FLAGS = `${V8_FLAGS} --no-opt --no-maglev --no-sparkplug`;

let miniflare: Miniflare;
let origin: string;
let inspector: string;
beforeAll(async () => {
  process.env["MINIFLARE_WORKERD_V8_FLAGS"] = FLAGS;
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: await bundleForWorkerd(join(import.meta.dirname, "hits.ts")),
      compatibilityDate: "2026-11-02",
      compatibilityFlags: ["nodejs_als"],
      inspectorPort: 0,
    }),
  );
  ({ origin } = await miniflare.ready);
  inspector = `ws://${(await miniflare.getInspectorURL()).host}/core:user:`;
});
afterAll(() => miniflare.dispose());

/** Sends requests one after the other. Returns the `Cache-Status` of the last answer. */
async function ask(path: string, count: number): Promise<string | null> {
  let status: string | null = null;
  for (let at = 0; at < count; at++) {
    const response = await fetch(`${origin}${path}`);
    await response.arrayBuffer();
    status = response.headers.get("Cache-Status");
  }
  return status;
}

/** Returns the bytes that the isolate allocates for one request of this path. */
async function bytesOfHit(path: string): Promise<number> {
  await ask(path, 100);
  const { bytes } = await allocatedDuring(inspector, "all", SAMPLING_BYTES, async () => {
    await ask(path, HITS);
  });
  return bytes / HITS;
}

describe("the bytes that a hit allocates in V8's heap, by its own counter", () => {
  it.each([
    ["/cached/42", 4_700],
    ["/read/42", 5_350],
  ])("%s allocates at most %d bytes more than a bare route", async (path, most) => {
    expect(await ask(path, 2)).toContain("detail=memory");
    const bare = await bytesOfHit("/bare/42");
    const hit = await bytesOfHit(path);
    expect(hit - bare).toBeLessThan(most);
  });
});
