import { expect, it } from "vitest";
import type { DataLookup } from "../../src/core/data-reader.ts";
import type { Policy } from "../../src/index.ts";
import type { TestIsolate } from "./isolate.ts";
import { OTHER_COLO, type World, type WorldLayer } from "./shared-world.ts";

/** Longer than the default coherence bound. */
export const WINDOW_MS = 1_001;

type Observer<Layer extends WorldLayer, Bound> = (world: World<Layer, Bound>) => TestIsolate<Layer>;

const observers = <Layer extends WorldLayer, Bound>(): Readonly<
  Record<string, Observer<Layer, Bound>>
> => ({
  "the same isolate": (world) => world.here,
  "another isolate of its data centre": (world) => world.neighbour,
  "another data centre": (world) => world.away,
  "a fresh isolate": (world) => world.fresh(),
  "a fresh isolate of another data centre": (world) => world.fresh(OTHER_COLO),
});

/** How an observer reads, if it does not read the origin's row itself. */
export type Reading<Layer extends WorldLayer, Bound> = (
  world: World<Layer, Bound>,
  isolate: TestIsolate<Layer>,
) => Promise<DataLookup<number>>;

/**
 * Registers one test for each observer. The test runs the race, lets the coherence bound pass, and
 * expects that the observer, and all others after it, read the current value of the row. Each
 * observer has a race of its own, since the first read replaces what the race left behind.
 */
export function neverSeen<Layer extends WorldLayer, Bound>(
  createWorld: () => Promise<World<Layer, Bound>>,
  how: Policy | Reading<Layer, Bound>,
  race: (world: World<Layer, Bound>) => Promise<void>,
): void {
  const read: Reading<Layer, Bound> =
    typeof how === "function" ? how : (world, isolate) => world.read(isolate, how);
  const all = observers<Layer, Bound>();
  for (const [name, pick] of Object.entries(all)) {
    it(`after a purge, a read by ${name} does not return the value from before the purge`, async () => {
      const world = await createWorld();
      await race(world);
      world.clock.advance(WINDOW_MS);
      const observer = pick(world);
      expect((await read(world, observer)).value).toBe(world.origin.current);
      await world.settle();
      for (const other of Object.values(all))
        expect((await read(world, other(world))).value).toBe(world.origin.current);
    });
  }
}
