import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DegradationReport } from "../../src/core/degradation.ts";
import { failed } from "../../src/core/faults.ts";
import { createTestBreakers } from "../support/breakers.ts";
import type { MetricsReport } from "../../src/core/metrics.ts";
import { createMeter, createTopKeys } from "../../src/telemetry/metrics/meter.ts";
import { redisReport } from "../../src/telemetry/metrics/redis-report.ts";
import { createReporter } from "../../src/telemetry/metrics/reporter.ts";
import { createTotals } from "../../src/telemetry/metrics/totals.ts";
import { createTrafficRecorder } from "../../src/telemetry/traffic/recorder.ts";

const report = (fields: Partial<MetricsReport>): MetricsReport => ({
  isolate: "a",
  sequence: 1,
  delta: [],
  gauges: [],
  hot: [],
  missed: [],
  traces: [],
  ...fields,
});

describe("metrics totals", () => {
  it("the metrics totals count a repeated report of an isolate once, even after an eviction of the metrics Durable Object", () => {
    const totals = createTotals(undefined, 0);
    const first = report({ delta: [["cache.joins", 3]] });
    expect([totals.apply(first, 1), totals.apply(first, 2)]).toEqual([true, false]);
    const again = createTotals(totals.freeze(), 5);
    expect(again.apply(first, 6)).toBe(false);
    again.apply(report({ sequence: 2, delta: [["cache.joins", 4]] }), 7);
    again.apply(report({ isolate: "b", delta: [["cache.joins", 1]] }), 7);
    expect(again.snapshot(8)).toMatchObject({ startedAt: 0, totals: [["cache.joins", 8]] });
  });

  it("the metrics totals drop the gauges of an isolate that has sent no report for a minute", () => {
    const totals = createTotals(undefined, 0);
    totals.apply(report({ gauges: [["cache.memory.usage", 5]] }), 0);
    totals.apply(report({ isolate: "b", gauges: [["cache.memory.usage", 7]] }), 50_000);
    expect(totals.snapshot(50_000).gauges).toEqual([["cache.memory.usage", 12]]);
    expect(totals.snapshot(70_000).gauges).toEqual([["cache.memory.usage", 7]]);
  });
});

describe("the report of the Redis server", () => {
  it("two reports of the Redis server give the newer figures, and the metrics totals keep these for 5 minutes", () => {
    const totals = createTotals(undefined, 0);
    totals.apply(redisReport({ usedBytes: 5, evictions: 1 }, 1_000), 1_000);
    totals.apply(redisReport({ usedBytes: 7, evictions: 2 }, 61_000), 61_000);
    expect(totals.apply(redisReport({ usedBytes: 6 }, 60_000), 61_500)).toBe(false);
    const newest = [
      ["cache.redis.memory.usage", 7],
      ["cache.redis.evictions", 2],
    ];
    expect(totals.snapshot(62_000).gauges).toEqual(newest);
    expect(totals.snapshot(361_000).gauges).toEqual(newest);
    expect(totals.snapshot(361_001).gauges).toEqual([]);
  });
});

describe("the meter", () => {
  it("the meter of metrics counts each of 120 metric series separately, although calls for different series alternate", () => {
    const label = fc.integer({ min: 0, max: 39 }).map((n) => `code-${n}`);
    const dependency = fc.constantFrom("redis", "sql", "");
    fc.assert(
      fc.property(
        fc.array(fc.tuple(dependency, label, fc.boolean()), { maxLength: 300 }),
        (calls) => {
          const meter = createMeter();
          let counted = new Map<string, number>();
          for (const [from, code, reports] of calls) {
            meter.add("cache.faults", 1, from, code);
            const series = `cache.faults\0${from}\0${code}`;
            counted.set(series, (counted.get(series) ?? 0) + 1);
            if (!reports || counted.size < 20) continue;
            expect(new Map(meter.take())).toEqual(counted);
            counted = new Map();
          }
          expect(new Map(meter.take())).toEqual(counted);
        },
      ),
    );
  });

  it("the meter of metrics counts an omitted label and an empty label as the same metric series", () => {
    const meter = createMeter();
    meter.add("cache.durable_object.calls", 1, "report");
    meter.add("cache.durable_object.calls", 1, "report", "");
    expect(meter.take()).toEqual([["cache.durable_object.calls\0report\0", 2]]);
  });
});

const EMPTY_SKETCH = createTrafficRecorder({ isolate: "a", peek: () => undefined }).sketch();

const UNKNOWN = { state: "unknown", since: 0 } as const;
const HEALTHY: DegradationReport = {
  level: "normal",
  since: 0,
  measured: "normal",
  pin: undefined,
  dependencies: {
    sql: UNKNOWN,
    redis: UNKNOWN,
    flight: UNKNOWN,
    log: UNKNOWN,
    limiter: UNKNOWN,
    session: UNKNOWN,
    http: UNKNOWN,
    model: UNKNOWN,
  },
  deliveries: { queue: UNKNOWN, telemetry: UNKNOWN },
};

describe("the reporter", () => {
  it("the metrics reporter sends the recorded reads of its isolate once a minute, and other reports without them", async () => {
    const sent: MetricsReport[] = [];
    const meter = createMeter();
    const keys = createTopKeys(4);
    let now = 0;
    const reporter = createReporter({
      port: { report: async (one) => void sent.push(one) },
      meter,
      hot: keys,
      missed: keys,
      formatKey: (key) => key,
      isolate: "a",
      now: () => now,
      memory: () => ({ entries: 0, bytes: 0, evictions: 0 }),
      health: () => HEALTHY,
      breakers: createTestBreakers(),
      sketch: () => EMPTY_SKETCH,
      slots: () => ({ limit: 8, running: 3, waiting: 2 }),
      onReport: () => undefined,
    });
    for (const at of [0, 2_000, 59_999, 60_000]) {
      now = at;
      await reporter.run();
    }
    expect(sent.map(({ traffic }) => traffic?.isolate)).toEqual(["a", undefined, undefined, "a"]);
  });

  it("the metrics reporter repeats a failed report unchanged and with the same sequence number", async () => {
    const sent: MetricsReport[] = [];
    const meter = createMeter();
    const keys = createTopKeys(4);
    const reporter = createReporter({
      port: {
        report: async (one) => {
          sent.push(one);
          if (sent.length === 1) throw new Error("lost");
        },
      },
      meter,
      hot: keys,
      missed: keys,
      formatKey: (key) => key,
      isolate: "a",
      now: () => 0,
      memory: () => ({ entries: 0, bytes: 0, evictions: 0 }),
      health: () => HEALTHY,
      breakers: createTestBreakers(),
      sketch: () => EMPTY_SKETCH,
      slots: () => ({ limit: 8, running: 3, waiting: 2 }),
      onReport: () => undefined,
    });
    meter.add("cache.joins", 2);
    await reporter.run();
    meter.add("cache.joins", 5);
    await reporter.run();
    await reporter.run();
    expect(sent.map(({ sequence }) => sequence)).toEqual([1, 1, 2]);
    expect(sent[1]).toBe(sent[0]);
    expect(sent[2]?.delta).toContainEqual(["cache.joins", 5]);
    expect(reporter.empty).toBe(true);
  });
});

describe("the breakers in a report", () => {
  it("a report has one gauge for each dependency, which is 1 while the breaker is not closed", async () => {
    const sent: MetricsReport[] = [];
    const keys = createTopKeys(4);
    const breakers = createTestBreakers();
    const reporter = createReporter({
      port: { report: async (one) => void sent.push(one) },
      meter: createMeter(),
      hot: keys,
      missed: keys,
      formatKey: (key) => key,
      isolate: "a",
      now: () => 0,
      memory: () => ({ entries: 0, bytes: 0, evictions: 0 }),
      health: () => HEALTHY,
      sketch: () => EMPTY_SKETCH,
      slots: () => ({ limit: 8, running: 3, waiting: 2 }),
      onReport: () => undefined,
      breakers,
    });
    for (let i = 0; i < 2; i++) await breakers.sql.run(async () => failed("origin.timeout", "no"));
    await reporter.run();
    const open = sent[0]?.gauges.filter(([series]) => series.startsWith("cache.breaker.open"));
    expect(Object.fromEntries(open ?? [])).toEqual({
      "cache.breaker.open\0redis": 0,
      "cache.breaker.open\0limiter": 0,
      "cache.breaker.open\0session": 0,
      "cache.breaker.open\0model": 0,
      "cache.breaker.open\0flight": 0,
      "cache.breaker.open\0log": 0,
      "cache.breaker.open\0sql": 1,
      "cache.breaker.open\0http": 0,
    });
  });
});

describe("the deferred rows of the outbox in a report", () => {
  it("a report has the gauge of deferred rows for one minute after this isolate ran the relay", async () => {
    const sent: MetricsReport[] = [];
    const keys = createTopKeys(4);
    let now = 0;
    const reporter = createReporter({
      port: { report: async (one) => void sent.push(one) },
      meter: createMeter(),
      hot: keys,
      missed: keys,
      formatKey: (key) => key,
      isolate: "a",
      now: () => now,
      memory: () => ({ entries: 0, bytes: 0, evictions: 0 }),
      health: () => HEALTHY,
      sketch: () => EMPTY_SKETCH,
      slots: () => ({ limit: 8, running: 3, waiting: 2 }),
      onReport: () => undefined,
      breakers: createTestBreakers(),
    });
    await reporter.run();
    reporter.noteDeferred(7);
    for (now of [59_999, 60_000]) await reporter.run();
    const deferred = sent.map(({ gauges }) =>
      gauges.flatMap(([series, rows]) => (series === "cache.outbox.deferred" ? [rows] : [])),
    );
    expect(deferred).toEqual([[], [7], []]);
  });
});

describe("bounded memory", () => {
  it("the meter stores at most 2,000 metric series, and counts the additions to series beyond that limit as dropped", () => {
    const meter = createMeter();
    for (let i = 0; i < 3_000; i++) meter.add("cache.faults", 1, "redis", `code-${i}`);
    const delta = new Map(meter.take());
    expect(delta.size).toBeLessThanOrEqual(2_001);
    expect(delta.get("telemetry.dropped\0metric\0cardinality")).toBe(1_000);
  });

  it("the list of top keys finds a frequent key among 16,000 other keys, and reports the possible error of the count", () => {
    const keys = createTopKeys(50);
    let hot = 0;
    for (let i = 0; i < 20_000; i++) {
      if (i % 5 === 0) {
        keys.add("hot");
        hot++;
      } else keys.add(`cold-${i}`);
    }
    const [[key, count, over] = ["", 0, 0]] = keys.list(1);
    expect(key).toBe("hot");
    expect(count - over).toBeLessThanOrEqual(hot);
    expect(count).toBeGreaterThanOrEqual(hot);
  });
});
