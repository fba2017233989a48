import { expect, it } from "vitest";
import type { DataLookup } from "../../src/core/data-reader.ts";
import type { Policy } from "../../src/index.ts";
import type { TestIsolate } from "./isolate.ts";
import { createWorld, OTHER_COLO, type World } from "./shared-world.ts";

/** Longer than the default coherence bound. */
export const WINDOW_MS = 1_001;

const OBSERVERS: Readonly<Record<string, (world: World) => TestIsolate>> = {
  "the same isolate": (world) => world.here,
  "another isolate of its data centre": (world) => world.neighbour,
  "another data centre": (world) => world.away,
  "a fresh isolate": (world) => world.fresh(),
  "a fresh isolate of another data centre": (world) => world.fresh(OTHER_COLO),
};

/** How an observer reads, if it does not read the origin's row itself. */
export type Reading = (world: World, isolate: TestIsolate) => Promise<DataLookup<number>>;

/**
 * Registers one test for each observer. The test runs the race, lets the coherence bound pass, and
 * expects that the observer, and all others after it, read the current value of the row. Each
 * observer has a race of its own, since the first read replaces what the race left behind.
 */
export function neverSeen(how: Policy | Reading, race: (world: World) => Promise<void>): void {
  const read: Reading =
    typeof how === "function" ? how : (world, isolate) => world.read(isolate, how);
  for (const [name, pick] of Object.entries(OBSERVERS)) {
    it(`after a purge, a read by ${name} does not return the value from before the purge`, async () => {
      const world = await createWorld();
      await race(world);
      world.clock.advance(WINDOW_MS);
      const observer = pick(world);
      expect((await read(world, observer)).value).toBe(world.origin.current);
      await world.settle();
      for (const other of Object.values(OBSERVERS))
        expect((await read(world, other(world))).value).toBe(world.origin.current);
    });
  }
}
