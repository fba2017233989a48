/** Draws curves as an SVG: a logarithmic x axis, a y axis from 0, or a logarithmic one if the values span much. */
import type { Axis, Curve, Point } from "./figures.ts";

const WIDTH = 720;
const HEIGHT = 360;
const PLOT = { left: 70, right: 520, top: 50, bottom: 300 } as const;
/** Values that span more than this factor get a logarithmic axis. */
const WIDE_SPAN = 20;
const LINE_HEIGHT = 16;

const STYLE = `
  svg { font: 13px system-ui, sans-serif; background: #ffffff; }
  text { fill: #1f2328; }
  .grid { stroke: #d1d9e0; }
  .a { --c: #0550ae; } .b { --c: #b35900; } .c { --c: #1a7f37; } .d { --c: #8250df; }
  path, .range { stroke: var(--c); fill: none; stroke-width: 2; }
  .range { stroke-width: 1; }
  circle, .name { fill: var(--c); }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; }
    text { fill: #e6edf3; }
    .grid { stroke: #30363d; }
    .a { --c: #6cb6ff; } .b { --c: #f0a35e; } .c { --c: #6bc46d; } .d { --c: #c9a6ff; }
    .name { fill: var(--c); }
  }
`;
const CLASSES = ["a", "b", "c", "d"];

type Scale = (value: number) => number;

const round = (value: number): number => Math.round(value * 10) / 10;

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function label(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000}M`;
  return value >= 1_000 ? `${value / 1_000}k` : `${value}`;
}

/** Returns about five round values from 0 to the highest. */
function linearTicks(high: number): readonly number[] {
  const raw = high / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((each) => each * power >= raw) ?? 10) * power;
  return Array.from({ length: Math.ceil(high / step) + 1 }, (_, at) => at * step);
}

function powersOfTen(low: number, high: number): readonly number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  return Array.from({ length: last - first + 1 }, (_, at) => 10 ** (first + at));
}

/** Places values by their logarithm. Zero, which has none, stands one step before the lowest other value. */
function xScale(values: readonly number[]): Scale {
  const steps = [...new Set(values)].toSorted((a, b) => a - b);
  const lowest = steps.find((value) => value > 0) ?? 1;
  const place = (value: number): number => Math.log10(value === 0 ? lowest / 10 : value);
  const [first, last] = [place(steps[0] ?? 1), place(steps.at(-1) ?? 1)];
  return (value) =>
    PLOT.left + ((place(value) - first) / (last - first || 1)) * (PLOT.right - PLOT.left);
}

function yScale(ticks: readonly number[], isLogarithmic: boolean): Scale {
  const place = (value: number): number => (isLogarithmic ? Math.log10(value) : value);
  const [low, high] = [place(ticks[0] ?? 0), place(ticks.at(-1) ?? 1)];
  return (value) =>
    PLOT.bottom - ((place(value) - low) / (high - low || 1)) * (PLOT.bottom - PLOT.top);
}

/** Moves labels down that would overlap with the one above. Returns the y of each, in the order of the curves. */
function spread(wanted: readonly number[]): readonly number[] {
  const placed = [...wanted];
  let last = -Infinity;
  for (const at of wanted.map((_, index) => index).toSorted((a, b) => wanted[a]! - wanted[b]!)) {
    placed[at] = Math.max(wanted[at]!, last + LINE_HEIGHT);
    last = placed[at];
  }
  return placed;
}

function drawCurve(
  { name, points }: Curve,
  style: string,
  x: Scale,
  y: Scale,
  end: number,
): string {
  const at = ({ x: value, median }: Point): string => `${round(x(value))} ${round(y(median))}`;
  const marks = points.map(
    (point) =>
      `<line class="range" x1="${round(x(point.x))}" x2="${round(x(point.x))}" y1="${round(y(point.min))}" y2="${round(y(point.max))}"/>` +
      `<circle cx="${round(x(point.x))}" cy="${round(y(point.median))}" r="3.5"><title>${escape(name)}, ${point.x}: ${point.median} (${point.min} to ${point.max})</title></circle>`,
  );
  return `<g class="${style}">
<path d="M${points.map(at).join("L")}"/>
${marks.join("\n")}
<text class="name" x="${PLOT.right + 10}" y="${round(end)}">${escape(name)}</text>
</g>`;
}

/** Returns the SVG of an axis. The same figures make the same text. */
export function chartOf({ title, x: xName, y: yName, curves }: Axis): string {
  const points = curves.flatMap((curve) => curve.points);
  const [low, high] = [
    Math.min(...points.map(({ min }) => min)),
    Math.max(...points.map(({ max }) => max)),
  ];
  const isLogarithmic = high / low > WIDE_SPAN;
  const ticks = isLogarithmic ? powersOfTen(low, high) : linearTicks(high);
  const [x, y] = [xScale(points.map((point) => point.x)), yScale(ticks, isLogarithmic)];
  const ends = spread(curves.map((curve) => y(curve.points.at(-1)?.median ?? 0) + 4));
  const yLines = ticks.map(
    (
      tick,
    ) => `<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${round(y(tick))}" y2="${round(y(tick))}"/>
<text x="${PLOT.left - 8}" y="${round(y(tick) + 4)}" text-anchor="end">${label(tick)}</text>`,
  );
  const xLabels = [...new Set(points.map((point) => point.x))].map(
    (value) =>
      `<text x="${round(x(value))}" y="${PLOT.bottom + 20}" text-anchor="middle">${label(value)}</text>`,
  );
  const middle = (PLOT.left + PLOT.right) / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escape(title)}">
<style>${STYLE}</style>
<text x="${PLOT.left}" y="24" font-weight="600">${escape(title)}</text>
${yLines.join("\n")}
${xLabels.join("\n")}
<text x="${middle}" y="${PLOT.bottom + 44}" text-anchor="middle">${escape(xName)}</text>
<text transform="translate(18 ${(PLOT.top + PLOT.bottom) / 2}) rotate(-90)" text-anchor="middle">${escape(yName)}${isLogarithmic ? ", logarithmic" : ""}</text>
${curves.map((curve, at) => drawCurve(curve, CLASSES[at % CLASSES.length] ?? "", x, y, ends[at] ?? 0)).join("\n")}
</svg>
`;
}
