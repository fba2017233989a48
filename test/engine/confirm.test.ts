import { describe, expect, it } from "vitest";
import { definePolicy, key } from "../../src/index.ts";
import type { LoadContext } from "../../src/core/data-reader.ts";
import type { TestIsolate } from "../support/isolate.ts";
import { WINDOW_MS } from "../support/observers.ts";
import { createWorld, type World } from "../support/shared-world.ts";

const page = key("page", "front");
const inner = definePolicy({ freshFor: "1h", jitter: 0 });
const brief = definePolicy({ freshFor: "500ms", staleIfError: "10m", jitter: 0, tags: ["pages"] });

/** A page that the origin confirms if there is a stale one, without reading the parts again. */
function readPage(world: World, isolate: TestIsolate, seen: unknown[] = []) {
  return isolate.request().read<number>(page, brief, async (load: LoadContext) => {
    seen.push(load.held?.value);
    if (load.held !== undefined) {
      load.notModified();
      return undefined;
    }
    return (await load.read(world.key, inner, world.origin.load)).value;
  });
}

describe("a confirmed value", () => {
  it("a page that the origin confirmed as unchanged is still invalidated by a purge of a product that its loader read from the cache", async () => {
    const world = await createWorld();
    const seen: unknown[] = [];
    await readPage(world, world.here, seen);
    await world.settle();
    world.clock.advance(501);
    expect((await readPage(world, world.here, seen)).value).toBe(1);
    await world.settle();
    await world.writeAndPurge("k:product:42");
    world.clock.advance(WINDOW_MS);
    for (const isolate of [world.here, world.neighbour, world.fresh()])
      expect((await readPage(world, isolate)).value).toBe(2);
    expect(seen).toEqual([undefined, 1]);
  });

  it("a loader does not get a purged value as `load.held` for confirmation, even if its isolate has not yet learned of the purge", async () => {
    const world = await createWorld();
    const seen: unknown[] = [];
    await readPage(world, world.here, seen);
    await world.settle();
    await world.writeAndPurge("t:pages", "k:product:42");
    // The log view still takes the entry for valid. Redis, which is asked next, does not.
    world.clock.advance(501);
    expect((await readPage(world, world.here, seen)).value).toBe(2);
    expect(seen).toEqual([undefined, undefined]);
  });
});
