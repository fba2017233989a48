import { describe, expect, it } from "vitest";
import type { HistoryStep, MetricsReport } from "../../src/core/metrics.ts";
import {
  HISTORY_FIELDS,
  MAX_STEPS,
  mergeHistories,
  STEP_MS,
} from "../../src/telemetry/metrics/history.ts";
import { createMeter } from "../../src/telemetry/metrics/meter.ts";
import { createTotals } from "../../src/telemetry/metrics/totals.ts";

let sequence = 0;
const report = (fields: Partial<MetricsReport>): MetricsReport => ({
  isolate: "a",
  sequence: ++sequence,
  delta: [],
  gauges: [],
  hot: [],
  missed: [],
  traces: [],
  ...fields,
});

const figure = (step: HistoryStep | undefined, field: (typeof HISTORY_FIELDS)[number]) =>
  step?.figures[HISTORY_FIELDS.indexOf(field)];

/** What an isolate counts for 3 requests: a hit, a refused one, and a failed load. */
function threeRequests() {
  const meter = createMeter();
  const route = "/things/:id";
  meter.record("http.server.request.duration", 0.004, "GET", route, "200", "https");
  meter.record("http.server.request.duration", 0.004, "GET", route, "429", "https");
  meter.record("http.server.request.duration", 30, "GET", route, "503", "https");
  meter.add("cache.lookups", 1, "hit-memory");
  meter.add("cache.lookups", 1, "miss", "", "true");
  meter.add("cache.origin.loads", 1, "failed");
  meter.record("cache.origin.load.duration", 0.25, "failed");
  meter.add("cache.faults", 1, "origin", "origin.timeout");
  meter.add("cache.redis.commands", 4, "EVALSHA");
  meter.add("cache.durable_object.calls", 2, "report");
  return meter.take();
}

describe("the history of the metrics", () => {
  it("a step of the metrics history has the increments of the reports that arrived in its 15 s, and the worst level that they name", () => {
    const totals = createTotals(undefined, 0);
    const state = (level: string) => [["level", level, 1, 0]] as MetricsReport["states"];
    totals.apply(report({ delta: threeRequests(), states: state("minimal")! }), STEP_MS);
    totals.apply(report({ delta: threeRequests(), states: state("normal")! }), STEP_MS + 14_999);
    totals.apply(report({ delta: threeRequests(), states: state("normal")! }), 2 * STEP_MS);
    const [first, second, ...more] = totals.history(2 * STEP_MS);
    expect(more).toEqual([]);
    expect([first?.at, first?.level]).toEqual([STEP_MS, "minimal"]);
    expect([second?.at, second?.level]).toEqual([2 * STEP_MS, "normal"]);
    const counted = Object.fromEntries(HISTORY_FIELDS.map((name) => [name, figure(first, name)]));
    expect(counted).toMatchObject({
      requests: 6,
      refused: 2,
      errors: 2,
      faults: 2,
      loads: 2,
      loadSeconds: 0.5,
      redisCommands: 8,
      durableCalls: 4,
      "lookups.hit-memory": 2,
      "lookups.miss": 2,
      "lookups.stale": 0,
    });
    const buckets = first?.figures.slice(HISTORY_FIELDS.length) ?? [];
    expect([buckets[0], buckets.at(-1)]).toEqual([4, 2]);
  });

  it("a report that is repeated is counted once in the metrics history", () => {
    const totals = createTotals(undefined, 0);
    const one = report({ delta: threeRequests() });
    totals.apply(one, 1);
    totals.apply(one, 2);
    expect(figure(totals.history(2)[0], "requests")).toBe(3);
  });

  it("the metrics history of 3 hours of reports keeps the steps of the last hour, in less than 48 KiB", () => {
    const totals = createTotals(undefined, 0);
    const stored: HistoryStep[] = [];
    const end = 3 * MAX_STEPS * STEP_MS;
    for (let at = 0; at < end; at += STEP_MS / 3) {
      totals.apply(report({ delta: threeRequests() }), at);
      stored.push(...totals.takeEnded());
    }
    const steps = totals.history(end - 1);
    expect(steps).toHaveLength(MAX_STEPS);
    expect(steps[0]?.at).toBe(end - MAX_STEPS * STEP_MS);
    expect(JSON.stringify(steps).length).toBeLessThan(48 * 1024);
    // Each ended step is given out once, to be stored.
    expect(stored.map(({ at }) => at)).toEqual(
      Array.from({ length: 3 * MAX_STEPS - 1 }, (_, index) => index * STEP_MS),
    );
  });

  it("the metrics history goes on in the same step after the totals were frozen and restored", () => {
    const totals = createTotals(undefined, 0);
    totals.apply(report({ delta: threeRequests() }), 0);
    totals.apply(report({ delta: threeRequests() }), STEP_MS);
    const again = createTotals(totals.freeze(), STEP_MS, totals.takeEnded());
    again.apply(report({ delta: threeRequests() }), STEP_MS + 1);
    expect(again.history(STEP_MS + 1).map((step) => figure(step, "requests"))).toEqual([3, 6]);
    expect(again.takeEnded()).toEqual([]);
  });

  it("the metrics history adds to the open step if the clock was set back", () => {
    const totals = createTotals(undefined, 0);
    totals.apply(report({ delta: threeRequests() }), 3 * STEP_MS);
    totals.apply(report({ delta: threeRequests() }), STEP_MS);
    expect(totals.history(3 * STEP_MS).map(({ at }) => at)).toEqual([3 * STEP_MS]);
  });

  it("the steps of several metrics objects are added up by their instant, and the worst level counts", () => {
    const step = (at: number, level: HistoryStep["level"], count: number) => ({
      at,
      level,
      figures: [count],
    });
    expect(
      mergeHistories([
        [step(0, "normal", 1), step(15, "normal", 2)],
        [step(15, "degraded", 4), step(30, "normal", 8)],
      ]),
    ).toEqual([step(0, "normal", 1), step(15, "degraded", 6), step(30, "normal", 8)]);
  });
});
