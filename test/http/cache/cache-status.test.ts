import { describe, expect, it } from "vitest";
import type { Lookup } from "../../../src/core/lookup.ts";
import { cacheStatus, reportedLookup, withMark } from "../../../src/http/cache/cache-status.ts";

const lookup = (status: Lookup["status"], unreachable: boolean): Lookup => ({
  key: "product:1",
  status,
  unreachable,
  currentAt: 0,
  stored: false,
});
const memberOf = (reported: Lookup | undefined) => reported && cacheStatus(reported, 200, 0);

describe("the lookup that Cache-Status reports", () => {
  it("an answer made of an unreachable hit and a miss reports the miss, marked unreachable", () => {
    const lookups = [lookup("hit-memory", true), lookup("miss", false)];
    expect(memberOf(reportedLookup(lookups))).toBe(
      "strata; fwd=uri-miss; fwd-status=200; unreachable",
    );
  });

  it("a cached route is marked unreachable if a value read beside it is", () => {
    const route = lookup("miss", false);
    expect(memberOf(withMark(route, [lookup("hit-memory", true)]))).toContain("unreachable");
    expect(withMark(route, [lookup("hit-memory", false)])).toBe(route);
  });

  it("a request without lookups reports none", () => {
    expect(reportedLookup([])).toBeUndefined();
  });
});
