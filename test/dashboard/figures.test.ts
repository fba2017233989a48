import { describe, expect, it } from "vitest";
import script from "uplot/dist/uPlot.iife.min.js?raw";
import sheet from "uplot/dist/uPlot.min.css?raw";
import copiedScript from "../../src/dashboard/assets/uplot.js?raw";
import copiedSheet from "../../src/dashboard/assets/uplot.css?raw";
// @ts-expect-error -- a script for browsers, without declarations
import { added, byTier, pointOf, quantile } from "../../src/dashboard/assets/figures.js";
// @ts-expect-error -- a script for browsers, without declarations
import { dependencyRows, levelText, timelineRows } from "../../src/dashboard/assets/states.js";

const buckets = (counts: readonly number[], sum = 0) => ({ bounds: [0.1, 0.2], counts, sum });

const summary = (at: number, scale: number) => ({
  at,
  responses: { 200: 90 * scale, 503: 10 * scale },
  latency: buckets([50 * scale, 50 * scale, 0], 10 * scale),
  lookups: {
    "hit-memory": 60 * scale,
    "hit-redis": 20 * scale,
    joined: 5 * scale,
    miss: 15 * scale,
  },
  loads: { stored: 15 * scale },
  loadCost: buckets([15 * scale, 0, 0], 0.75 * scale),
  redisCommands: 100 * scale,
  durableCalls: 20 * scale,
  faults: { "origin.timeout": 4 * scale, "redis.timeout": 7 },
});

describe("the figures of the dashboard", () => {
  it("the dashboard calculates rates from the difference between two successive snapshots of the metrics", () => {
    const point = pointOf(summary(5_000, 2), summary(0, 1));
    expect(point.requestsPerSecond).toBeCloseTo(20);
    expect(point.errorsPerSecond).toBeCloseTo(2);
    expect(point.errorRatio).toBeCloseTo(0.1);
    expect(point.faults).toEqual({ "origin.timeout": 4 });
    expect(point.hitRatio).toBeCloseTo(0.8);
    expect(point.offload).toBeCloseTo(0.85);
    expect(point.shares.reduce((sum: number, share: number) => sum + share, 0)).toBeCloseTo(100);
    expect(point.p95).toBeGreaterThan(100);
    expect(point.costPerThousand).toBeGreaterThan(0);
  });

  it("if a metrics total is smaller than in the snapshot before, the dashboard takes the new total as the increase", () => {
    expect(added({ a: 3 }, { a: 10 })).toEqual({ a: 3 });
  });

  it("the hit ratio, latency and load cost of the dashboard are null if no request came between two snapshots of the metrics", () => {
    const point = pointOf(summary(5_000, 1), summary(0, 1));
    expect(point).toMatchObject({ hitRatio: null, p50: null, costPerThousand: null });
  });

  it("the dashboard names the worst level of any isolate, in how many isolates it holds, and since when", () => {
    const at = Date.UTC(2026, 0, 1, 12, 3, 4);
    const states = [
      ["level", "normal", 3, 0],
      ["level", "minimal", 2, at],
      ["sql", "down", 2, at],
      ["sql", "up", 3, 0],
      ["redis", "unknown", 5, 0],
      ["flight", "up", 5, at],
    ];
    expect(levelText(states)).toEqual({
      level: "minimal",
      text: "Minimal: the database fails. Reads get what is stored; writes are refused. In 2 of 5 isolates, since 12:03:04.",
    });
    expect(dependencyRows(states)).toEqual([
      ["Database", "down since 12:03:04, 2 of 5 isolates"],
      ["Redis", "not used yet"],
      ["Flight objects", "up since 12:03:04"],
    ]);
    expect(levelText([]).level).toBe("unknown");
  });

  it("the timeline of the dashboard lists the changes of the level, the newest first", () => {
    const change = (at: number, to: string) => ({ at, from: "normal", to, cause: "redis down" });
    expect(timelineRows([change(0, "degraded"), change(61_000, "minimal")])).toEqual([
      ["00:01:01", "normal to minimal: redis down"],
      ["00:00:00", "normal to degraded: redis down"],
    ]);
  });

  it("the dashboard interpolates a quantile inside a histogram bucket, and returns the last bound for values above all bounds", () => {
    expect(quantile(buckets([10, 10, 0]), 0.5)).toBeCloseTo(0.1);
    expect(quantile(buckets([10, 10, 0]), 0.75)).toBeCloseTo(0.15);
    expect(quantile(buckets([0, 0, 5]), 0.5)).toBe(0.2);
    expect(quantile(buckets([0, 0, 0]), 0.5)).toBeNull();
  });

  it("the dashboard counts lookups with status `stale-on-error` as stale, and lookups with status `miss` or `bypass` as answered by the origin", () => {
    expect(byTier({ stale: 1, "stale-on-error": 2, miss: 3, bypass: 4 })).toMatchObject({
      stale: 3,
      origin: 7,
    });
  });
});

describe("uPlot", () => {
  it("the uPlot files of the dashboard are unchanged copies of the files in the uPlot package", () => {
    expect(copiedScript === script && copiedSheet === sheet).toBe(true);
  });
});
