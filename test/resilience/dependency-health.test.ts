import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createDependencyHealth,
  type CheckResult,
} from "../../src/resilience/dependency-health.ts";

describe("the health of a dependency", () => {
  it("a dependency is unknown until a check succeeds, and up from then on", () => {
    const health = createDependencyHealth();
    expect(health.report(false, 1_000).state).toBe("unknown");
    health.add("ok", 2_000);
    expect(health.report(false, 2_000)).toEqual({ state: "up", since: 2_000 });
    expect(health.report(false, 60_000)).toEqual({ state: "up", since: 2_000 });
  });

  it("a dependency is down at once while its breaker is open, and up 3 s after the breaker has closed", () => {
    const health = createDependencyHealth();
    expect(health.report(true, 1_000)).toEqual({ state: "down", since: 1_000 });
    expect(health.report(false, 3_999).state).toBe("down");
    expect(health.report(false, 4_000)).toEqual({ state: "up", since: 4_000 });
  });

  it("a dependency is down after four failed checks, or after one check without any answer", () => {
    const health = createDependencyHealth();
    for (const at of [0, 150, 300]) health.add("failed", at);
    expect(health.report(false, 300).state).toBe("unknown");
    health.add("failed", 450);
    expect(health.report(false, 450).state).toBe("down");

    const hanging = createDependencyHealth();
    hanging.add("slow", 750);
    hanging.add("hung", 4_000);
    expect(hanging.report(false, 4_000).state).toBe("down");
  });

  it("a dependency whose checks take too long is slow, not down", () => {
    const health = createDependencyHealth();
    for (const at of [0, 1_000, 2_000, 3_000]) health.add("slow", at);
    expect(health.report(false, 3_000).state).toBe("slow");
  });

  it("a dependency that was down and answers slowly becomes slow once its failures are 5 s old", () => {
    const health = createDependencyHealth();
    health.add("hung", 0);
    expect(health.report(false, 0).state).toBe("down");
    for (const at of [1_000, 2_000, 3_000, 4_000, 5_000]) health.add("slow", at);
    expect(health.report(false, 5_000).state).toBe("slow");
  });

  it("a dependency does not change its state in 10 minutes in which 5 of 100 checks fail", () => {
    let drawn = 1;
    /** Numerical Recipes' linear congruential generator. */
    const fails = (): boolean => {
      drawn = (Math.imul(drawn, 1_664_525) + 1_013_904_223) >>> 0;
      return drawn / 2 ** 32 < 0.05;
    };
    for (let run = 0; run < 50; run++) {
      const health = createDependencyHealth();
      health.add("ok", 0);
      const states = new Set<string>();
      // One check a second; after a failed one, up to three more at once, as the checks are made.
      for (let second = 1; second <= 600; second++) {
        for (let attempt = 0; attempt < 4; attempt++) {
          const result = fails() ? "failed" : "ok";
          health.add(result, second * 1_000 + attempt * 150);
          if (result === "ok") break;
        }
        states.add(health.report(false, second * 1_000 + 600).state);
      }
      expect([...states]).toEqual(["up"]);
    }
  });

  it("a dependency that works again is up within 5 s, whatever its checks showed before", () => {
    const results = fc.constantFrom<CheckResult>("ok", "slow", "failed", "hung");
    fc.assert(
      fc.property(
        fc.array(fc.tuple(results, fc.nat({ max: 900 })), { maxLength: 60 }),
        (checks) => {
          const health = createDependencyHealth();
          let at = 0;
          for (const [result, ms] of checks) {
            health.add(result, (at += ms));
            health.report(false, at);
          }
          for (let second = 1; second <= 5; second++) {
            health.add("ok", at + second * 1_000);
            health.report(false, at + second * 1_000);
          }
          expect(health.report(false, at + 5_000).state).toBe("up");
        },
      ),
    );
  });

  it("a dependency that is up again stays up while its failed checks are younger than 5 s, also if requests read clocks that differ by 10 ms", () => {
    const health = createDependencyHealth();
    for (const at of [0, 150, 300, 450]) health.add("failed", at);
    expect(health.report(false, 450).state).toBe("down");
    for (const at of [1_500, 2_500, 3_500]) health.add("ok", at);
    expect(health.report(false, 3_500).state).toBe("up");
    expect(health.report(false, 3_490).state).toBe("up");
    health.add("ok", 4_500);
    expect(health.report(false, 4_490).state).toBe("up");
  });

  it("a dependency whose last check failed does not become up because nobody asked for 10 s, and says nothing after 30 s", () => {
    const health = createDependencyHealth();
    for (const at of [0, 150, 300, 450]) health.add("failed", at);
    expect(health.report(false, 450).state).toBe("down");
    expect(health.report(false, 10_000).state).toBe("down");
    expect(health.report(false, 30_450).state).toBe("up");
  });

  it("a dependency whose check succeeds is up at once if the last sign of a fault is older than 3 s", () => {
    const health = createDependencyHealth();
    for (const at of [0, 150, 300, 450]) health.add("failed", at);
    expect(health.report(false, 450).state).toBe("down");
    health.add("ok", 3_000);
    expect(health.report(false, 3_000).state).toBe("down");
    expect(health.report(false, 3_450).state).toBe("up");
  });

  it("a dependency is not stuck in a state if the clock is set back", () => {
    const health = createDependencyHealth();
    health.add("hung", 1_000_000);
    expect(health.report(false, 1_000_000).state).toBe("down");
    expect(health.report(false, 10_000).state).toBe("down");
    expect(health.report(false, 13_000).state).toBe("up");
  });
});
