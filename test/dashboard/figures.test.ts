import { describe, expect, it } from "vitest";
import script from "uplot/dist/uPlot.iife.min.js?raw";
import sheet from "uplot/dist/uPlot.min.css?raw";
import copiedScript from "../../src/dashboard/assets/uplot.js?raw";
import copiedSheet from "../../src/dashboard/assets/uplot.css?raw";
// @ts-expect-error -- a script for browsers, without declarations
import * as figures from "../../src/dashboard/assets/figures.js";
// @ts-expect-error -- a script for browsers, without declarations
import { historyPoints, joinPoints, levelSpans } from "../../src/dashboard/assets/history.js";
// @ts-expect-error -- a script for browsers, without declarations
import * as states from "../../src/dashboard/assets/states.js";
// @ts-expect-error -- a script for browsers, without declarations
import * as whyPage from "../../src/dashboard/assets/why.js";

const { added, byTier, figureText, livePointOf, quantile } = figures;
const { cronRows, dependencyRows, levelText, queueRows, sentences, timelineRows } = states;

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
    const point = livePointOf(summary(5_000, 2), summary(0, 1));
    expect(point.requestsPerSecond).toBeCloseTo(20);
    expect(point.errorsPerSecond).toBeCloseTo(2);
    expect(point.faultsPerSecond).toBeCloseTo(0.8);
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
    const point = livePointOf(summary(5_000, 1), summary(0, 1));
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
      ["Redis", "no fault; not checked yet"],
      ["Flight objects", "up since 12:03:04"],
    ]);
    expect(levelText([]).level).toBe("unknown");
  });

  it("the dashboard lists the last run of each cron task by its name, and the state of the queue with a dash for what is not known", () => {
    const at = Date.UTC(2026, 0, 1, 12, 3, 4);
    expect(
      cronRows([
        ["trim", "done", at],
        ["relay", "failed", at],
      ]),
    ).toEqual([
      ["relay", "failed at 12:03:04"],
      ["trim", "done at 12:03:04"],
    ]);
    expect(queueRows({ paused: true, backlog: 1200, oldestAt: at, deadLetters: 3 })).toEqual([
      ["messages in the queue", "1,200"],
      ["the oldest was sent at", "12:03:04"],
      ["dead letters", "3"],
      ["consumer", "paused"],
    ]);
    expect(queueRows({ paused: false, deadLetters: 0 })[0]).toEqual(["messages in the queue", "–"]);
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

  it("the dashboard writes a small figure with three digits, never as 0, and whole figures with separators", () => {
    expect([0, 12_345, 0.000_021_4, 1.23456, 2_500.5].map(figureText)).toEqual([
      "0",
      "12,345",
      "0.0000214",
      "1.23",
      "2,501",
    ]);
  });

  it("the dashboard counts lookups with status `stale-on-error` as stale, and lookups with status `miss` or `bypass` as answered by the origin", () => {
    expect(byTier({ stale: 1, "stale-on-error": 2, miss: 3, bypass: 4 })).toMatchObject({
      stale: 3,
      origin: 7,
    });
  });
});

const FIELDS = ["requests", "errors", "lookups.hit-memory", "lookups.miss"];

describe("the history of the dashboard", () => {
  it("the dashboard draws one point for each ended step of the history, and a point without requests for a step that the history leaves out", () => {
    const points = historyPoints({
      at: 65_000,
      stepMs: 15_000,
      fields: FIELDS,
      bounds: [0.1],
      steps: [
        [0, "normal", 30, 15, 9, 1, 30, 0],
        [30_000, "minimal", 15, 0, 0, 0, 15, 0],
        // This step has not ended.
        [60_000, "normal", 1, 0, 0, 0, 1, 0],
      ],
    });
    expect(points.map(({ at }: { at: number }) => at)).toEqual([15, 30, 45, 60]);
    expect(points[0]).toMatchObject({
      level: "normal",
      requestsPerSecond: 2,
      errorsPerSecond: 1,
      hitRatio: 0.9,
    });
    expect(points[1]).toMatchObject({ level: "normal", requestsPerSecond: 0, hitRatio: null });
    expect(points[2]).toMatchObject({ level: "minimal", requestsPerSecond: 1 });
  });

  it("the level of the dashboard's timeline goes on for 60 s without reports, and is unknown after that", () => {
    const history = { at: 150_000, stepMs: 15_000, fields: FIELDS, bounds: [0.1] };
    const points = historyPoints({ ...history, steps: [[0, "degraded", 1, 0, 0, 1, 1, 0]] });
    expect(points.map(({ level }: { level: string }) => level)).toEqual([
      ...Array.from({ length: 5 }, () => "degraded"),
      ...Array.from({ length: 5 }, () => "unknown"),
    ]);
  });

  it("the charts of the dashboard show the history up to the first live point, then the live points, and nothing older than the chosen span", () => {
    const at = (seconds: number) => ({ at: seconds });
    const joined = joinPoints([at(10), at(25), at(40)], [at(38), at(39)], 20);
    expect(joined).toEqual([at(25), at(38), at(39)]);
  });

  it("the timeline of the dashboard joins successive points of one level to one span", () => {
    const point = (at: number, level: string) => ({ at, level });
    const points = [
      point(0, "normal"),
      point(15, "normal"),
      point(30, "minimal"),
      point(45, "normal"),
    ];
    expect(levelSpans(points)).toEqual([
      { from: 0, to: 15, level: "normal" },
      { from: 15, to: 30, level: "minimal" },
      { from: 30, to: 45, level: "normal" },
    ]);
  });
});

describe("the state in words", () => {
  const at = Date.UTC(2026, 0, 1, 12, 3, 4);

  it("the dashboard says since when Redis is away and how old answers may be", () => {
    const states = [
      ["redis", "down", 2, at],
      ["redis", "up", 1, 0],
      ["sql", "up", 3, 0],
    ];
    expect(sentences(states, 60_000)).toEqual([
      "Redis is away since 12:03 in 2 of 3 isolates; answers may be up to 60 s old, new values stay in their data centre, and invalidations wait.",
    ]);
  });

  it("the dashboard says what each dependency that is away or slow means for answers, and nothing of the others", () => {
    const names = ["sql", "redis", "flight", "log", "limiter", "http"];
    for (const state of ["down", "slow"]) {
      const texts = sentences(
        names.map((name) => [name, state, 1, at]),
        90_000,
      );
      expect(texts).toHaveLength(names.length);
      expect(new Set(texts).size).toBe(names.length);
      for (const text of texts) expect(text).toMatch(/ since 12:03; .+\.$/);
    }
    for (const state of ["up", "unknown"])
      expect(
        sentences(
          names.map((name) => [name, state, 1, at]),
          90_000,
        ),
      ).toEqual([]);
  });
});

describe("the explanations of the dashboard", () => {
  it("the dashboard shows the next read, the last miss and its result, the tags and the policy of a key", () => {
    const reason = (text: string) => ({ code: "code", text });
    const report = {
      key: "product:42",
      tags: ["product:42"],
      tiers: [],
      next: reason("Memory answers."),
    };
    const policy = { freshForMs: 60_000, flight: "region", tiers: ["memory"], refreshAhead: null };
    const last = {
      at: "2026-01-01T12:03:04.000Z",
      status: "miss",
      missed: reason("Invalidated."),
      result: reason("Stored."),
    };
    expect(whyPage.keyRows({ ...report, policy, last })).toEqual([
      ["the next read", "Memory answers."],
      ["the last miss, at 12:03:04", "Invalidated."],
      ["its result", "Stored."],
      ["tags", "product:42"],
      ["policy", 'freshFor 60 s, flight region, tiers ["memory"]'],
    ]);
    const rows = whyPage.keyRows({ ...report, policy: null, last: null });
    expect(rows[1][1]).toContain("remembers no read");
    expect(rows.at(-1)).toEqual(["policy", "not known"]);
  });
});

describe("uPlot", () => {
  it("the uPlot files of the dashboard are unchanged copies of the files in the uPlot package", () => {
    expect(copiedScript === script && copiedSheet === sheet).toBe(true);
  });
});
