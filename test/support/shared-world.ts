/** Isolates of two data centres over one origin, for tests of what each of them reads. */
import type { LogKey } from "../../src/core/invalidation-key.ts";
import type { DataLookup } from "../../src/core/data-reader.ts";
import { definePolicy, key, type Policy } from "../../src/index.ts";
import type { StrataInternals } from "../../src/internals.ts";
import { createTestClock, createTestIsolate, uniqueNamespace } from "./isolate.ts";
import type { TestClock, TestIsolate, TestIsolateOptions } from "./isolate.ts";
import type { TestLayer } from "./layer.ts";
import { createOrigin, type TestOrigin } from "./origin.ts";

/** The parts of a layer that a world needs. */
export type WorldLayer = Pick<StrataInternals, "coherence" | "memory" | "store">;

export interface World<
  Layer extends WorldLayer = TestLayer,
  Bound = TestIsolateOptions["bindings"],
> {
  readonly namespace: string;
  readonly clock: TestClock;
  readonly origin: TestOrigin;
  readonly key: string;
  /** The isolate in which the race happens. */
  readonly here: TestIsolate<Layer>;
  /** Another isolate of the same data centre. */
  readonly neighbour: TestIsolate<Layer>;
  /** An isolate of another data centre. */
  readonly away: TestIsolate<Layer>;
  /** Starts an isolate. */
  fresh(host?: string, bindings?: Bound, clock?: TestClock): TestIsolate<Layer>;
  /** Changes the row, then invalidates the log keys from `away`. Acknowledged when it resolves. */
  writeAndPurge(...logKeys: LogKey[]): Promise<void>;
  /** Invalidates without a change of the row. */
  purge(...logKeys: LogKey[]): Promise<void>;
  read(isolate: TestIsolate<Layer>, policy: Policy): Promise<DataLookup<number>>;
  /** Makes the isolate sync with the log. */
  hear(isolate: TestIsolate<Layer>): Promise<void>;
  /** Waits until no isolate has deferred work. */
  settle(): Promise<void>;
}

const COLO = "colo-a.test";
export const OTHER_COLO = "colo-b.test";

const unrelated = definePolicy({ freshFor: "1m", tiers: ["redis"], flight: "isolate" });

/** The namespace, clock, host and bindings of one isolate. */
export interface WorldPlace<Bound> {
  readonly namespace: string;
  readonly clock: TestClock;
  readonly host: string;
  readonly bindings: Bound | undefined;
}

export function createWorld(options: Partial<TestIsolateOptions> = {}): Promise<World> {
  return createWorldOf(({ bindings, ...own }) =>
    createTestIsolate({ ...own, ...options, bindings: { ...options.bindings, ...bindings } }),
  );
}

/** Creates a world of isolates that `start` starts. */
export async function createWorldOf<Layer extends WorldLayer, Bound>(
  start: (place: WorldPlace<Bound>) => TestIsolate<Layer>,
): Promise<World<Layer, Bound>> {
  const namespace = uniqueNamespace();
  const clock = createTestClock();
  const origin = createOrigin();
  const isolates: TestIsolate<Layer>[] = [];
  let asked = 0;

  function fresh(host = COLO, bindings?: Bound, own: TestClock = clock): TestIsolate<Layer> {
    const isolate = start({ namespace, clock: own, host, bindings });
    isolates.push(isolate);
    return isolate;
  }

  const world: World<Layer, Bound> = {
    namespace,
    clock,
    origin,
    key: key("product", 42),
    here: fresh(),
    neighbour: fresh(),
    away: fresh(OTHER_COLO),
    fresh,

    async writeAndPurge(...logKeys) {
      origin.write();
      await world.purge(...logKeys);
    },

    async purge(...logKeys) {
      const { coherence } = world.away.layer;
      const purged = await coherence.invalidate(logKeys, world.away.request().ctx);
      if (!purged.ok) throw new Error(purged.fault.message);
    },

    read: (isolate, policy) => isolate.request().read(world.key, policy, origin.load),

    async hear(isolate) {
      await isolate.request().read(key("unrelated", asked++), unrelated, async () => "");
    },

    async settle() {
      for (const isolate of isolates) await isolate.settle();
    },
  };
  // Every isolate has synced before the race, so that it does not sync at its beginning.
  for (const isolate of isolates) await world.hear(isolate);
  await world.settle();
  return world;
}
