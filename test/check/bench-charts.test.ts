import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chartOf } from "../../bench/scale/chart.ts";
import { riseOf, type Axis, type Figures } from "../../bench/scale/figures.ts";

const PICTURES = join(import.meta.dirname, "../../docs/img");

const figures = JSON.parse(readFileSync(join(PICTURES, "scale.json"), "utf8")) as Figures;

const point = (x: number, median: number) => ({ x, median, min: median - 1, max: median + 1 });

function axisOf(medians: readonly number[]): Axis {
  const points = medians.map((median, at) => point(10 ** at, median));
  return { id: "keys", title: "A <hit>", x: "keys", y: "µs", curves: [{ name: "hit", points }] };
}

test("every chart of the bench scale in docs/img is the one that its figures in docs/img/scale.json make", () => {
  const drawn = figures.axes.map((axis) => [`scale-${axis.id}.svg`, chartOf(axis)] as const);
  expect(drawn.length).toBeGreaterThan(0);
  for (const [file, svg] of drawn) expect(readFileSync(join(PICTURES, file), "utf8")).toBe(svg);
  const files = readdirSync(PICTURES).filter((file) => /^scale-.*\.svg$/.test(file));
  expect(files.toSorted()).toEqual(drawn.map(([file]) => file).toSorted());
});

test("a chart of the bench scale changes if a median, a range or a label of its figures changes", () => {
  const chart = chartOf(axisOf([100, 105]));
  expect(chartOf(axisOf([100, 105]))).toBe(chart);
  expect(chartOf(axisOf([100, 106]))).not.toBe(chart);
  expect(chartOf({ ...axisOf([100, 105]), x: "tags" })).not.toBe(chart);
  const wider = axisOf([100, 105]).curves.map((curve) => ({
    ...curve,
    points: curve.points.map((each) => ({ ...each, max: each.max + 50 })),
  }));
  expect(chartOf({ ...axisOf([100, 105]), curves: wider })).not.toBe(chart);
});

test("a chart of the bench scale names both axes, escapes its title, and has colours for light and dark", () => {
  const chart = chartOf(axisOf([100, 105]));
  expect(chart).toContain(">keys</text>");
  expect(chart).toContain(">µs</text>");
  expect(chart).toContain('aria-label="A &lt;hit>"');
  expect(chart).toContain("prefers-color-scheme: dark");
  expect(chart).not.toMatch(/NaN|undefined|Infinity/);
});

test("a chart of the bench scale has a logarithmic y axis if its values span more than a factor of 20", () => {
  expect(chartOf(axisOf([10, 50]))).toContain(">µs</text>");
  expect(chartOf(axisOf([10, 5_000]))).toContain(">µs, logarithmic</text>");
});

test("a chart of the bench scale places zero on its logarithmic x axis left of the other values", () => {
  const [curve] = axisOf([100, 100, 100]).curves;
  const points = [0, 10, 100].map((x) => point(x, 100));
  const chart = chartOf({ ...axisOf([]), curves: [{ ...curve!, points }] });
  const places = [...chart.matchAll(/<circle cx="([\d.]+)"/g)].map(([, cx]) => Number(cx));
  expect(places).toEqual([70, 295, 520]);
});

test("the rise of a curve of the bench scale is the largest one from a point to a later point", () => {
  const riseIn = (medians: readonly number[]) => riseOf(axisOf(medians).curves[0]!);
  expect(riseIn([100, 105])).toBeCloseTo(0.05);
  // A first point that is too high hides no rise.
  expect(riseIn([120, 100, 112])).toBeCloseTo(0.12);
  expect(riseIn([100, 90, 80])).toBe(0);
});
