import type { TestClock } from "../support/isolate.ts";
import { afterEach, describe, expect, it } from "vitest";
import { definePolicy } from "../../src/index.ts";
import { RACE_STORES } from "../support/race-stores.ts";

const policy = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"] });

describe.each(RACE_STORES)("with %s as the shared store", (_, store) => {
  afterEach(store.restore);

  describe("an isolate that has written", () => {
    it("an isolate reads its own write before the invalidation log responds, even if all tiers hold the old value", async () => {
      const world = await store.createWorld();
      const { coherence } = world.here.layer;
      await world.read(world.here, policy);
      await world.settle();

      const gate = store.holdNextRequest("t:products");
      world.origin.write();
      coherence.markInvalidated(["t:products"]);
      const invalidating = coherence.invalidate(["t:products"], world.here.request().ctx);
      await gate.reached;
      // Memory, the edge and the shared store all hold the old value, and nothing has been acknowledged.
      expect((await world.read(world.here, policy)).value).toBe(2);
      expect((await world.read(world.here, policy)).value).toBe(2);

      gate.open();
      expect((await invalidating).ok).toBe(true);
      expect((await world.read(world.here, policy)).value).toBe(2);
    });

    it("an isolate that has never reached the invalidation log still reads its own write", async () => {
      const world = await store.createWorld({ isUnreachable: true });
      expect(await world.read(world.here, policy)).toMatchObject({ status: "miss", value: 1 });
      expect(await world.read(world.here, policy)).toMatchObject({
        status: "hit-memory",
        value: 1,
        unreachable: true,
      });
      world.origin.write();
      world.here.layer.coherence.markInvalidated(["t:products"]);
      expect((await world.read(world.here, policy)).value).toBe(2);
    });

    it("the result of a load that began before a write of the same isolate is not stored", async () => {
      const world = await store.createWorld();
      const { coherence, memory } = world.here.layer;
      const gate = world.origin.holdNext();
      const loading = world.read(world.here, policy);
      await gate.reached;
      world.origin.write();
      coherence.markInvalidated(["t:products"]);
      gate.open();
      expect((await loading).stored).toBe(false);
      expect(memory.peek(world.key)).toBeUndefined();
      expect((await world.read(world.here, policy)).value).toBe(2);
    });

    it("a read after a write does not get a value that another isolate began to load before the write", async () => {
      const world = await store.createWorld();
      const { coherence } = world.here.layer;
      const gate = world.origin.holdNext();
      const loading = world.read(world.neighbour, policy);
      await gate.reached;
      world.origin.write();
      coherence.markInvalidated(["t:products"]);
      const own = world.read(world.here, policy);
      await world.hear(world.here);
      gate.open();
      await loading;
      expect((await own).value).toBe(2);
    });
  });

  describe("an own write in the millisecond of an earlier load", () => {
    it("a read after a write does not get the result of a load that began before the write in the same millisecond", async () => {
      const time = Date.now();
      const clock: TestClock = {
        now: () => time,
        advance: () => undefined,
        sleep: () => Promise.resolve(),
        stop: () => undefined,
      };
      const world = await store.createWorld({ clock });
      const gate = world.origin.holdNext();
      const loading = world.read(world.here, policy);
      await gate.reached;
      world.origin.write();
      world.here.layer.coherence.markInvalidated(["t:products"]);
      const own = world.read(world.here, policy);
      await world.hear(world.here);
      gate.open();
      expect((await loading).value).toBe(1);
      expect((await own).value).toBe(2);
    });
  });
});
