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
  it("if a request has a miss and a hit that is marked `unreachable`, Cache-Status reports the miss with the parameter `unreachable`", () => {
    const lookups = [lookup("hit-memory", true), lookup("miss", false)];
    expect(memberOf(reportedLookup(lookups))).toBe(
      "strata; fwd=uri-miss; fwd-status=200; unreachable",
    );
  });

  it("Cache-Status of a cached route has the parameter `unreachable` if another cache lookup of the same request is marked `unreachable`", () => {
    const route = lookup("miss", false);
    expect(memberOf(withMark(route, [lookup("hit-memory", true)]))).toContain("unreachable");
    expect(withMark(route, [lookup("hit-memory", false)])).toBe(route);
  });

  it("Cache-Status has the parameter `unconfirmed` if one of the cache lookups of the request is marked `unconfirmed`", () => {
    const doubted = { ...lookup("stale-on-error", false), unconfirmed: true };
    const route = lookup("miss", false);
    expect(memberOf(doubted)).toMatch(/; detail=stale-on-error; unconfirmed$/);
    expect(memberOf(withMark(route, [doubted]))).toContain("; unconfirmed");
    expect(memberOf(reportedLookup([route, doubted]))).toContain("; unconfirmed");
    expect(memberOf(route)).not.toContain("unconfirmed");
  });

  it("reportedLookup() returns undefined if the request has made no cache lookup", () => {
    expect(reportedLookup([])).toBeUndefined();
  });
});
