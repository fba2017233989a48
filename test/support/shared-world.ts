/** Isolates of two data centres around one origin, for tests of what each of them sees. */
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
  /** Where the race happens. */
  readonly here: TestIsolate;
  /** Another isolate of the same data centre. */
  readonly neighbour: TestIsolate;
  /** An isolate of another data centre. */
  readonly away: TestIsolate;
  /** An isolate that begins now. */
  fresh(host?: string, bindings?: TestIsolateOptions["bindings"], clock?: TestClock): TestIsolate;
  /** Changes the row, then invalidates the members elsewhere; acknowledged when it resolves. */
  writeAndPurge(...members: LogKey[]): Promise<void>;
  /** Invalidates without any change of the row. */
  purge(...members: LogKey[]): Promise<void>;
  read(isolate: TestIsolate, policy: Policy): Promise<DataLookup<number>>;
  /** Makes the isolate ask Redis, which also tells it of every invalidation so far. */
  hear(isolate: TestIsolate): Promise<void>;
  /** Waits until nothing runs in the background anywhere. */
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

    async writeAndPurge(...members) {
      origin.write();
      await world.purge(...members);
    },

    async purge(...members) {
      const { coherence } = world.away.layer;
      const purged = await coherence.invalidate(members, world.away.request().ctx);
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
  // Each has heard of the log before the race: what it learns in it, it learns late.
  for (const isolate of isolates) await world.hear(isolate);
  await world.settle();
  return world;
}
