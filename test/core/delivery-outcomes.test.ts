import { describe, expect, it } from "vitest";
import { createDeliveryOutcomes, worstOf } from "../../src/core/delivery-outcomes.ts";

describe("the outcomes of deliveries", () => {
  it("before the first delivery the state is unknown, and after one that succeeds it is up since then", () => {
    const outcomes = createDeliveryOutcomes();
    expect(outcomes.report(1)).toEqual({ state: "unknown", since: 0 });
    outcomes.add(true, 5);
    outcomes.add(true, 9);
    expect(outcomes.report(10)).toEqual({ state: "up", since: 5 });
  });

  it("a failed delivery means down until the next one succeeds", () => {
    const outcomes = createDeliveryOutcomes();
    outcomes.add(false, 5);
    outcomes.add(false, 40_000);
    expect(outcomes.report(70_000)).toEqual({ state: "down", since: 5 });
    outcomes.add(true, 80_000);
    expect(outcomes.report(80_000)).toEqual({ state: "up", since: 80_000 });
  });

  it("a failed delivery that no other follows counts for a minute", () => {
    const outcomes = createDeliveryOutcomes();
    outcomes.add(false, 5);
    expect(outcomes.report(60_004).state).toBe("down");
    expect(outcomes.report(60_005)).toEqual({ state: "unknown", since: 60_005 });
  });

  it("of several states, down counts before up, and up before unknown", () => {
    const unknown = { state: "unknown", since: 0 } as const;
    const [up, down] = [
      { state: "up", since: 3 },
      { state: "down", since: 7 },
    ] as const;
    expect(worstOf([up, down])).toBe(down);
    expect(worstOf([unknown, up])).toBe(up);
    expect(worstOf([unknown])).toEqual(unknown);
  });
});
