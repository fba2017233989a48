// @ts-check
/** Makes the points of the charts from the history of the last hour. It uses no browser functions. */
import { pointOf } from "./figures.js";

/**
 * @typedef {{
 *   at: number, stepMs: number, fields: string[], bounds: number[],
 *   steps: [at: number, level: string, ...figures: number[]][],
 * }} History
 */

const LOOKUPS = "lookups.";
/** An isolate without requests sends no report. Its level is taken to go on for this long, as in the metrics objects. */
const LEVEL_LIFE_MS = 60_000;

/**
 * Returns one point for each step that has ended. A step that the history leaves out had no reports,
 * so its point has rates of zero.
 * @param {History} history @returns {ReturnType<typeof pointOf>[]}
 */
export function historyPoints({ at, stepMs, fields, bounds, steps }) {
  /** @param {number} start @param {string} level @param {number[]} figures */
  function stepPoint(start, level, figures) {
    const of = (/** @type {string} */ field) => figures[fields.indexOf(field)] ?? 0;
    const statuses = fields.filter((field) => field.startsWith(LOOKUPS));
    const counts = bounds.concat(0).map((_, i) => figures[fields.length + i] ?? 0);
    return pointOf({
      at: start + stepMs,
      seconds: stepMs / 1000,
      level,
      lookups: Object.fromEntries(statuses.map((each) => [each.slice(LOOKUPS.length), of(each)])),
      latency: { bounds, counts, sum: 0 },
      requests: of("requests"),
      refused: of("refused"),
      errors: of("errors"),
      faults: of("faults"),
      loads: of("loads"),
      loadSeconds: of("loadSeconds"),
      redisCommands: of("redisCommands"),
      durableCalls: of("durableCalls"),
    });
  }

  /** @type {ReturnType<typeof pointOf>[]} */
  const points = [];
  let next = steps[0]?.[0] ?? at;
  let last = { level: "unknown", until: 0 };
  const fillTo = (/** @type {number} */ end) => {
    for (; next + stepMs <= end; next += stepMs)
      points.push(stepPoint(next, next < last.until ? last.level : "unknown", []));
  };
  for (const [start, level, ...figures] of steps) {
    if (start + stepMs > at) break;
    fillTo(start);
    points.push(stepPoint(start, level, figures));
    next = start + stepMs;
    last = { level, until: next + LEVEL_LIFE_MS };
  }
  fillTo(at);
  return points;
}

/**
 * The points that the charts show: the history up to the first live point, and then the live points.
 * @template {{ at: number }} Point
 * @param {Point[]} past @param {Point[]} live @param {number} seconds the span that is shown
 * @returns {Point[]}
 */
export function joinPoints(past, live, seconds) {
  const first = live[0]?.at ?? Infinity;
  const all = [...past.filter(({ at }) => at < first), ...live];
  const from = (all.at(-1)?.at ?? 0) - seconds;
  return all.filter(({ at }) => at >= from);
}

/**
 * The spans of time in which the level stayed the same; "unknown" where no isolate has reported.
 * @param {{ at: number, level: string }[]} points @returns {{ from: number, to: number, level: string }[]}
 */
export function levelSpans(points) {
  /** @type {{ from: number, to: number, level: string }[]} */
  const spans = [];
  for (const [i, { at, level }] of points.entries()) {
    const from = points[i - 1]?.at ?? at;
    const last = spans.at(-1);
    if (last?.level === level) last.to = at;
    else spans.push({ from, to: at, level });
  }
  return spans.filter(({ from, to }) => to > from);
}
