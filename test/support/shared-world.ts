/** Isolates of two data centres over one origin, for tests of what each of them reads. */
import type { LogKey } from "../../src/core/invalidation-key.ts";
import type { DataLookup } from "../../src/core/data-reader.ts";
import { definePolicy, key, type Policy } from "../../src/index.ts";
import { createTestClock, createTestIsolate, uniqueNamespace } from "./isolate.ts";
import type { TestClock, TestIsolate, TestIsolateOptions } from "./isolate.ts";
import { createOrigin, type TestOrigin } from "./origin.ts";

export interface World {
  readonly clock: TestClock;
  readonly origin: TestOrigin;
  readonly key: string;
  /** The isolate in which the race happens. */
  readonly here: TestIsolate;
  /** Another isolate of the same data centre. */
  readonly neighbour: TestIsolate;
  /** An isolate of another data centre. */
  readonly away: TestIsolate;
  /** Starts an isolate. */
  fresh(host?: string, bindings?: TestIsolateOptions["bindings"], clock?: TestClock): TestIsolate;
  /** Changes the row, then invalidates the log keys from `away`. Acknowledged when it resolves. */
  writeAndPurge(...logKeys: LogKey[]): Promise<void>;
  /** Invalidates without a change of the row. */
  purge(...logKeys: LogKey[]): Promise<void>;
  read(isolate: TestIsolate, policy: Policy): Promise<DataLookup<number>>;
  /** Makes the isolate sync with the log. */
  hear(isolate: TestIsolate): Promise<void>;
  /** Waits until no isolate has deferred work. */
  settle(): Promise<void>;
}

const COLO = "colo-a.test";
export const OTHER_COLO = "colo-b.test";

const unrelated = definePolicy({ freshFor: "1m", tiers: ["redis"], flight: "isolate" });

export async function createWorld(options: Partial<TestIsolateOptions> = {}): Promise<World> {
  const namespace = uniqueNamespace();
  const clock = createTestClock();
  const origin = createOrigin();
  const isolates: TestIsolate[] = [];
  let asked = 0;

  function fresh(
    host = COLO,
    bindings: TestIsolateOptions["bindings"] = {},
    own: TestClock = clock,
  ): TestIsolate {
    const all = { ...options.bindings, ...bindings };
    const isolate = createTestIsolate({ namespace, clock: own, host, ...options, bindings: all });
    isolates.push(isolate);
    return isolate;
  }

  const world: World = {
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
