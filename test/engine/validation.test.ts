import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Verdict } from "../../src/core/log.ts";
import { validate } from "../../src/engine/validation.ts";
import { definePolicy } from "../../src/index.ts";
import { entryOf } from "../support/entries.ts";

const NOW = 10_000_000;
const START = NOW - 50;
const COHERENCE_MS = 1_000;
const INVALID: readonly Verdict[] = ["invalidated", "era", "floor"];

const instant = fc.integer({ min: NOW - 5_000, max: NOW + 1_000 });
const situation = fc.record({
  entry: fc
    .record({ storedAt: instant, era: fc.constantFrom("era-1", "") })
    .map((fields) => entryOf({ ...fields, freshUntil: fields.storedAt + 4_000 })),
  verdict: fc.constantFrom<Verdict>(
    "valid",
    "soft",
    "unconfirmed",
    "unknown",
    "invalidated",
    "era",
    "floor",
  ),
  logState: fc.constantFrom<"current" | "unreachable">("current", "unreachable"),
  confirmedAt: instant,
  onUnreachable: fc.constantFrom<"serve" | "bypass">("serve", "bypass"),
  unreachableFor: fc.constantFrom(500, 2_000),
  result: fc.option(
    fc.record({ currentAt: fc.integer({ min: NOW - 5_000, max: NOW }), unreachable: fc.boolean() }),
    { nil: undefined },
  ),
});
type Situation = typeof situation extends fc.Arbitrary<infer T> ? T : never;

function validated(one: Situation) {
  const { entry, verdict, logState, confirmedAt, onUnreachable, unreachableFor, result } = one;
  const policy = definePolicy({
    freshFor: "1m",
    coherence: COHERENCE_MS,
    onUnreachable,
    unreachableFor,
  });
  return validate(entry, verdict, logState, confirmedAt, { policy, startedAt: START }, NOW, result);
}

const check = (property: (one: Situation) => void) =>
  fc.assert(fc.property(situation, property), { numRuns: 3_000 });

describe("validate()", () => {
  it("validate() never serves an entry of a tier whose verdict is `invalidated`, `era` or `floor`", () => {
    check((one) => {
      const { use } = validated({ ...one, result: undefined });
      expect(use === "drop").toBe(INVALID.includes(one.verdict));
    });
  });

  it("validate() serves the invalidated result of another lookup only if the value was current after the read began", () => {
    check((one) => {
      if (one.verdict !== "invalidated" && one.verdict !== "floor") return;
      const validation = validated(one);
      const isLater = one.result?.unreachable === false && one.result.currentAt > START;
      expect(validation.use).toBe(isLater ? "serve" : "drop");
    });
  });

  it("validate() asks for a verification only if the log can be reached and its verdict is `unknown`", () => {
    check((one) => {
      if (validated(one).use !== "verify") return;
      expect([one.verdict, one.logState]).toEqual(["unknown", "current"]);
    });
  });

  it("validate() serves an entry as stale after a soft invalidation", () => {
    check((one) => {
      const validation = validated(one);
      const isLater = one.result?.unreachable === false && one.result.currentAt > START;
      const isKept = one.logState === "unreachable" && one.result !== undefined;
      if (one.verdict !== "soft" || validation.use !== "serve" || isLater || isKept) return;
      expect(validation.freshness).not.toBe("fresh");
    });
  });

  it("validate() marks an answer without the log as `unreachable`, unless the value was current within the coherence window and no unconfirmed write may have changed it", () => {
    check((one) => {
      const validation = validated(one);
      if (validation.use !== "serve") return;
      const { result, logState } = one;
      const isLater = result?.unreachable === false && result.currentAt > START;
      const isRecent =
        result?.unreachable === false &&
        result.currentAt >= START - COHERENCE_MS &&
        (one.verdict !== "unconfirmed" || isLater);
      const isWithoutLog = logState === "unreachable" || result?.unreachable === true;
      expect(validation.unreachable).toBe(isWithoutLog && !isRecent);
    });
  });

  it("validate() serves an entry without the log and before a load for at most the policy option `unreachableFor` since the value was current", () => {
    check((one) => {
      const validation = validated(one);
      if (validation.use !== "serve" || !validation.unreachable) return;
      expect(one.onUnreachable).toBe("serve");
      if (validation.onlyIfLoadFails) return;
      const { entry, confirmedAt, result } = one;
      const known = [confirmedAt, entry.storedAt - entry.loadCost, result?.currentAt ?? -Infinity];
      const last = Math.max(...known.filter((at) => at <= NOW));
      expect(NOW - last).toBeLessThanOrEqual(one.unreachableFor);
    });
  });

  it("validate() never serves an entry with the verdict `unconfirmed` before a load, unless the value was current after the read began", () => {
    check((one) => {
      const validation = validated(one);
      const isLater = one.result?.unreachable === false && one.result.currentAt > START;
      if (one.verdict !== "unconfirmed" || validation.use !== "serve" || isLater) return;
      expect(validation).toMatchObject({ onlyIfLoadFails: true, unconfirmed: true });
    });
  });

  it("validate() makes an entry that answers only if the load fails neither fresh nor servable during a refresh", () => {
    check((one) => {
      const validation = validated(one);
      if (validation.use !== "serve" || !validation.onlyIfLoadFails) return;
      expect(["error-only", "kept", "expired"]).toContain(validation.freshness);
      expect(validation.entry.asOf).toBe(one.entry.asOf);
      expect(validation.entry.errorUntil).toBeLessThanOrEqual(one.entry.errorUntil);
    });
  });
});
