import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLogModel, type Step } from "./log-model.ts";

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

describe("log views under random schedules", () => {
  it("an isolate's view of the invalidation log never accepts an entry that was purged before the last sync of the view", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), schedule, (isolates, steps) => {
        const model = createLogModel(isolates);
        model.run({ do: "establish", a: 0, b: 0, c: 0 });
        for (const next of steps) {
          model.run(next);
          expect(model.violations()).toEqual([]);
        }
        for (const mark of model.seen) seen.add(mark);
      }),
      { numRuns: 1_500 },
    );
    // The schedules reached every outcome and every verdict.
    expect([...seen].toSorted()).toEqual(
      [
        ...["applied", "renewed", "ignored", "behind", "lost", "truncated"],
        ...["valid", "soft", "unconfirmed", "unknown", "invalidated", "era", "floor"],
      ].toSorted(),
    );
  });

  it("after any sequence of failures of the invalidation log, each isolate accepts as valid an entry that it loads once the log works again", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), schedule, (isolates, steps) => {
        const model = createLogModel(isolates);
        for (const next of steps) model.run(next);
        for (const verdict of model.calm()) expect(verdict).toBe("valid");
        expect(model.violations()).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
