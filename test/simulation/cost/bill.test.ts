import { describe, expect, it } from "vitest";
import { monthlyBill, type Usage } from "../../../bench/cost/bill.ts";

/** A month has 2,629,800 seconds: a twelfth of 365.25 days. */
const NOTHING: Usage = { redisCommands: 0, redisBytes: 0, objectRequests: 0, activeObjects: 0 };

describe("the monthly bill of the model of cost", () => {
  it("a deployment that uses nothing pays the plan of Workers only", () => {
    expect(monthlyBill(NOTHING)).toEqual({
      redisCommands: 0,
      redisBandwidth: 0,
      objectRequests: 0,
      objectDuration: 0,
      workersPlan: 5,
      total: 5,
    });
  });

  it("2,000 Redis commands a second cost 10,519 dollars a month at 0.20 for 100,000", () => {
    const bill = monthlyBill({ ...NOTHING, redisCommands: 2_000 });
    expect(bill.redisCommands).toBeCloseTo(10_519.2, 1);
    expect(bill.total).toBeCloseTo(10_524.2, 1);
  });

  it("400 requests a second to Durable Objects are billed less the million that each month includes", () => {
    // 1,051.92 million requests, of which 1,050.92 million are paid.
    expect(monthlyBill({ ...NOTHING, objectRequests: 400 }).objectRequests).toBeCloseTo(157.64, 2);
  });

  it("one Durable Object that is always active stays within the included gigabyte-seconds, and nine cost 32.87 dollars a month", () => {
    expect(monthlyBill({ ...NOTHING, activeObjects: 1 }).objectDuration).toBe(0);
    expect(monthlyBill({ ...NOTHING, activeObjects: 9 }).objectDuration).toBeCloseTo(32.87, 2);
  });

  it("Redis traffic of 1 MB a second is billed above the 200 GB that each month includes", () => {
    // 2,629.8 GB, of which 2,429.8 GB are paid.
    expect(monthlyBill({ ...NOTHING, redisBytes: 1e6 }).redisBandwidth).toBeCloseTo(72.89, 2);
  });
});
