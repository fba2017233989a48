import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CallOutcome } from "../../src/core/origin-slots.ts";
import { createAdaptiveLimit, type AdaptiveLimit } from "../../src/resilience/adaptive-limit.ts";

/** Runs as many calls at the same time as the limit allows, and ends them all with one outcome. */
function runRound(limit: AdaptiveLimit, outcome: CallOutcome, calls = limit.current()): void {
  const epochs = Array.from({ length: calls }, (_, i) => limit.began(i + 1));
  for (const epoch of epochs) limit.ended(epoch, outcome);
}

describe("the adaptive limit of origin calls", () => {
  it("64 calls that time out together halve the limit of 64 once", () => {
    const limit = createAdaptiveLimit({ min: 8, max: 64 });
    runRound(limit, "bad");
    expect(limit.current()).toBe(32);
  });

  it("rounds of bad calls lower the limit to its minimum and no further", () => {
    const limit = createAdaptiveLimit({ min: 8, max: 64 });
    for (let round = 0; round < 10; round++) runRound(limit, "bad");
    expect(limit.current()).toBe(8);
  });

  it("a round of good calls that reaches the limit raises the limit by 1, up to its maximum", () => {
    const limit = createAdaptiveLimit({ min: 8, max: 34 });
    runRound(limit, "bad");
    expect(limit.current()).toBe(17);
    runRound(limit, "good");
    expect(limit.current()).toBe(18);
    for (let round = 0; round < 40; round++) runRound(limit, "good");
    expect(limit.current()).toBe(34);
  });

  it("good calls that run one after another do not raise a limit that they do not reach", () => {
    const limit = createAdaptiveLimit({ min: 8, max: 34 });
    runRound(limit, "bad");
    for (let call = 0; call < 200; call++) runRound(limit, "good", 1);
    expect(limit.current()).toBe(17);
  });

  it("a key whose every load fails does not lower the limit while it has at most a tenth of the calls", () => {
    const limit = createAdaptiveLimit({ min: 8, max: 64 });
    for (let call = 0; call < 1_000; call++) runRound(limit, call % 10 === 0 ? "bad" : "good", 1);
    expect(limit.current()).toBe(64);
  });

  it("calls whose outcome is unknown change nothing", () => {
    const limit = createAdaptiveLimit({ min: 8, max: 64 });
    for (let round = 0; round < 10; round++) runRound(limit, "unknown");
    expect(limit.current()).toBe(64);
  });

  it("no order of calls and outcomes moves the limit out of its bounds, raises it by more than 1 for an ended call, or lowers it without a bad call", () => {
    const step = fc.record({
      begins: fc.boolean(),
      pick: fc.nat(),
      outcome: fc.constantFrom<CallOutcome>("good", "bad", "unknown"),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 8, max: 40 }),
        fc.array(step, { maxLength: 400 }),
        (min, max, steps) => {
          const limit = createAdaptiveLimit({ min, max });
          const running: number[] = [];
          for (const { begins, pick, outcome } of steps) {
            if (begins) running.push(limit.began(running.length + 1));
            const at = running.length === 0 ? -1 : pick % running.length;
            if (begins || at < 0) continue;
            const before = limit.current();
            limit.ended(running.splice(at, 1)[0] ?? 0, outcome);
            const after = limit.current();
            expect(after).toBeGreaterThanOrEqual(min);
            expect(after).toBeLessThanOrEqual(max);
            expect(after - before).toBeLessThanOrEqual(1);
            if (after < before) expect(outcome).toBe("bad");
          }
        },
      ),
    );
  });
});
