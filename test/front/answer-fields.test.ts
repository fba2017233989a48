import { describe, expect, it } from "vitest";
// @ts-expect-error -- a script for browsers, without declarations
import { sourceOf, stepsOf } from "../../src/dashboard/assets/front/answer-fields.js";
// @ts-expect-error -- a script for browsers, without declarations
import { failing, stateText } from "../../src/dashboard/assets/front/health-words.js";

const source = (status: string, member: string) =>
  sourceOf(new Headers({ "X-Cache-Status": status, "Cache-Status": member })).text;

describe("where an answer came from, in the words of the shop demo", () => {
  it.each([
    ["HIT", "strata; hit; ttl=5; detail=memory", "From the memory of the Worker."],
    ["HIT", "strata; hit; ttl=5; detail=edge", "From the cache of the data centre."],
    ["HIT", "strata; hit; ttl=5; detail=redis", "From Redis."],
    ["HIT", "strata; hit; ttl=5", "From the cache."],
    [
      "STALE",
      "strata; hit; ttl=-5; detail=memory",
      "Stale, from the memory of the Worker; a refresh follows.",
    ],
    [
      "STALE",
      "strata; hit; ttl=-5; detail=stale-on-error",
      "From a stored answer, because the load failed.",
    ],
    ["MISS", "strata; fwd=uri-miss; fwd-status=200; stored", "From the origin, and stored."],
    [
      "MISS",
      "strata; fwd=uri-miss; fwd-status=200; collapsed",
      "From the origin, with the load of another request.",
    ],
    ["BYPASS", "strata; fwd=bypass; fwd-status=200", "From the origin; the cache was not used."],
    [
      "REVALIDATED",
      "strata; fwd=stale; fwd-status=304",
      "From the cache, after the origin confirmed it.",
    ],
    [
      "HIT",
      "strata; hit; ttl=5; detail=memory; unreachable; unconfirmed",
      "From the memory of the Worker; the invalidation log could not be asked; an unconfirmed write may have changed it.",
    ],
    ["HIT", "other; fwd=uri-miss, strata; hit; ttl=5; detail=redis", "From Redis."],
  ])("the demo describes X-Cache-Status %s with Cache-Status %s as: %s", (status, member, text) => {
    expect(source(status, member)).toBe(text);
  });

  it("the demo says that the cache was not asked if an answer has no cache fields", () => {
    expect(sourceOf(new Headers())).toEqual({
      status: "",
      text: "The cache was not asked.",
      className: "",
    });
  });
});

describe("the steps of an answer in the shop demo", () => {
  it("the demo places the steps of Server-Timing one after the other in a bar that is as long as the total", () => {
    expect(stepsOf('redis;dur=2, load;dur=6;desc="origin.timeout", total;dur=10')).toEqual({
      totalMs: 10,
      steps: [
        { name: "redis", ms: 2, outcome: "", x: 0, width: 20 },
        { name: "load", ms: 6, outcome: "origin.timeout", x: 20, width: 60 },
      ],
    });
  });

  it("the bar of the demo is as long as the sum of the steps if steps overlapped", () => {
    const { steps } = stepsOf("redis;dur=6, edge;dur=6, total;dur=8");
    expect(steps.map(({ x, width }: { x: number; width: number }) => [x, width])).toEqual([
      [0, 50],
      [50, 50],
    ]);
  });

  it("the demo shows no steps for an answer from memory, for steps of 0 ms and for a missing field", () => {
    expect(stepsOf("total;dur=0.3")).toEqual({ totalMs: 0.3, steps: [] });
    expect(stepsOf("redis;dur=0, total;dur=0").steps).toMatchObject([{ x: 0, width: 0 }]);
    expect(stepsOf(null)).toEqual({ totalMs: undefined, steps: [] });
  });
});

describe("the state of the Worker in the words of the front door", () => {
  const since = "2026-01-01T12:03:04.000Z";

  it("the front door names the level, and each dependency that is down or slow, with the time since when", () => {
    const health = {
      status: "degraded",
      level: "degraded",
      dependencies: {
        database: { state: "up", since },
        redis: { state: "down", since },
        flights: { state: "unknown" },
        log: { state: "slow", since },
      },
    };
    expect(stateText(health)).toEqual({
      text: "Degraded: a dependency fails or is slow. Every request gets an answer.",
      className: "warn",
    });
    expect(failing(health)).toEqual([
      ["Redis", "down since 12:03:04 UTC"],
      ["Log objects", "slow since 12:03:04 UTC"],
    ]);
  });

  it("the front door says until when an operator has set the level", () => {
    expect(stateText({ level: "minimal", pinnedUntil: since, dependencies: {} }).text).toMatch(
      /An operator has set this level until 12:03:04 UTC\.$/,
    );
  });

  it("the front door says that the state is not known if /health sent no report", () => {
    expect(stateText(undefined).text).toBe("The state is not known.");
    expect(failing(undefined)).toEqual([]);
  });
});
