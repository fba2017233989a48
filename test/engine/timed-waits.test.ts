/** The steps of `Server-Timing` cover all that a read waits for. */
import { describe, expect, it } from "vitest";
import type { CacheEvent } from "../../src/core/events.ts";
import { definePolicy, key } from "../../src/index.ts";
import type { TestIsolate } from "../support/isolate.ts";
import { holdNextAnswer } from "../support/network.ts";
import { WINDOW_MS } from "../support/observers.ts";
import { createWorld } from "../support/shared-world.ts";

const policy = definePolicy({
  freshFor: "10m",
  jitter: 0,
  flight: "isolate",
  tiers: ["memory", "redis"],
});

type StepEnd = Extract<CacheEvent, { readonly type: "step.end" }>;

function stepsOf({ events }: TestIsolate): readonly StepEnd[] {
  return events.flatMap((event) => (event.type === "step.end" ? [event] : []));
}

describe("the steps of a read", () => {
  it("a reader that waits for the lookup of another reader reports the wait as the step `join`", async () => {
    const world = await createWorld();
    world.clock.stop();
    const gate = world.origin.holdNext();
    const leading = world.read(world.here, policy);
    await gate.reached;
    world.here.events.length = 0;
    const following = world.read(world.here, policy);
    // The follower has come to its wait.
    await world.hear(world.here);
    world.clock.advance(300);
    gate.open();
    await Promise.all([leading, following]);
    const joins = stepsOf(world.here).filter(({ step }) => step === "join");
    expect(joins).toMatchObject([{ ms: 300, outcome: "ok" }]);
  });

  it("every reader that waits for a shared sync of the invalidation log reports the wait as the step `log`", async () => {
    const world = await createWorld();
    world.clock.stop();
    await world.read(world.here, policy);
    await world.settle();
    world.clock.advance(WINDOW_MS);
    world.here.events.length = 0;
    const gate = holdNextAnswer("zrange");
    const reads = [world.read(world.here, policy), world.read(world.here, policy)];
    await gate.reached;
    world.clock.advance(40);
    gate.open();
    await Promise.all(reads);
    expect(stepsOf(world.here)).toMatchObject([
      { step: "log", ms: 40, outcome: "ok" },
      { step: "log", ms: 40, outcome: "ok" },
    ]);
  });

  it("a load that waits for an origin slot reports the wait as the step `slot`, and the steps add up to the time of the read", async () => {
    const world = await createWorld({ options: { origin: { slots: 1, slotWait: "2s" } } });
    world.clock.stop();
    const gate = world.origin.holdNext();
    const holder = world.read(world.here, policy);
    await gate.reached;
    world.here.events.length = 0;
    world.clock.advance(1);
    const startedAt = world.clock.now();
    const waiting = world.here.request().read(key("other", 1), policy, async () => {
      world.clock.advance(25);
      return 1;
    });
    // The second load has come to its wait for the slot.
    await expect.poll(() => stepsOf(world.here).map(({ step }) => step)).toContain("redis");
    world.clock.advance(500);
    gate.open();
    await Promise.all([holder, waiting]);
    const steps = stepsOf(world.here);
    expect(steps.filter(({ step }) => step === "slot")).toMatchObject([{ ms: 500, outcome: "ok" }]);
    // The load that held the slot began earlier.
    const own = steps.filter((step) => step.startedAt >= startedAt);
    const spent = own.reduce((sum, { ms }) => sum + ms, 0);
    expect(spent).toBe(world.clock.now() - startedAt);
  });
});
