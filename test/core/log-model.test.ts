import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createWorld, type Step } from "./log-world.ts";

const common = ["load", "ask", "answer", "answer", "invalidate", "verify"] as const;
const rare = ["establish", "mark", "trim", "flush", "renew", "failover", "pass"] as const;

const die = fc.nat({ max: 1_000 });
const step: fc.Arbitrary<Step> = fc.record({
  do: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom<Step["do"]>(...common) },
    { weight: 1, arbitrary: fc.constantFrom<Step["do"]>(...rare) },
  ),
  a: die,
  b: die,
  c: die,
});
const schedule = fc.array(step, { minLength: 20, maxLength: 80, size: "max" });

describe("an isolate's knowledge of the log", () => {
  it("never takes for valid what was purged by the time that it knows of", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), schedule, (isolates, steps) => {
        const world = createWorld(isolates);
        world.run({ do: "establish", a: 0, b: 0, c: 0 });
        for (const next of steps) {
          world.run(next);
          expect(world.violations()).toEqual([]);
        }
        for (const mark of world.seen) seen.add(mark);
      }),
      { numRuns: 1_500 },
    );
    // The schedules went everywhere that there is to go.
    expect([...seen].toSorted()).toEqual(
      [
        ...["applied", "renewed", "ignored", "behind", "lost", "truncated"],
        ...["valid", "soft", "unknown", "invalidated", "era", "floor"],
      ].toSorted(),
    );
  });

  it("recovers from everything: in a calm world what is loaded next is valid", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), schedule, (isolates, steps) => {
        const world = createWorld(isolates);
        for (const next of steps) world.run(next);
        for (const verdict of world.calm()) expect(verdict).toBe("valid");
        expect(world.violations()).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
