import { describe, expect, it } from "vitest";
import script from "uplot/dist/uPlot.iife.min.js?raw";
import sheet from "uplot/dist/uPlot.min.css?raw";
import copiedScript from "../../src/dashboard/assets/uplot.js?raw";
import copiedSheet from "../../src/dashboard/assets/uplot.css?raw";
// @ts-expect-error -- a script for browsers, without declarations
import { added, byTier, pointOf, quantile } from "../../src/dashboard/assets/figures.js";

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
});

describe("the figures of the dashboard", () => {
  it("the dashboard calculates rates from the difference between two successive snapshots of the metrics", () => {
    const point = pointOf(summary(5_000, 2), summary(0, 1));
    expect(point.requestsPerSecond).toBeCloseTo(20);
    expect(point.errorsPerSecond).toBeCloseTo(2);
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
