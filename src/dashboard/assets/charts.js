// @ts-check
import { TIERS } from "./figures.js";

const COLOURS = {
  memory: "--c1",
  edge: "--c2",
  redis: "--c3",
  stale: "--c4",
  joined: "--c5",
  origin: "--c6",
};

/** Resolves a CSS variable to a colour, since a canvas cannot read variables. @param {string} name */
function css(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** @param {{ stacked?: boolean, unit: string, max?: number, series: { label: string, colour: string }[] }} kind */
function optionsOf(kind, width, height) {
  const axis = {
    stroke: css("--muted"),
    grid: { stroke: css("--line"), width: 1 },
    ticks: { stroke: css("--line") },
  };
  return {
    width,
    height,
    legend: { show: true, live: false },
    cursor: { drag: { x: false, y: false } },
    scales: {
      x: { time: true },
      y: { range: kind.max ? [0, kind.max] : (_u, _min, max) => [0, Math.max(max * 1.1, 0.001)] },
    },
    axes: [
      { ...axis, space: 70 },
      {
        ...axis,
        size: 60,
        values: (_u, values) => values.map((v) => `${+v.toPrecision(3)}${kind.unit}`),
      },
    ],
    series: [
      {},
      ...kind.series.map(({ label, colour }) => ({
        label,
        stroke: css(colour),
        width: 1.5,
        points: { show: false },
        ...(kind.stacked && { fill: css(colour) }),
      })),
    ],
    // uPlot fills the area between each stacked series and the series below it.
    ...(kind.stacked && {
      bands: kind.series.slice(1).map((_, i) => ({ series: [i + 2, i + 1] })),
    }),
  };
}

const KINDS = {
  tiers: {
    stacked: true,
    unit: " %",
    max: 100,
    series: TIERS.map((tier) => ({ label: tier, colour: COLOURS[tier] })),
    rows: (points) => stack(points.map(({ shares }) => shares)),
  },
  latency: {
    unit: " ms",
    series: [
      { label: "p50", colour: "--c1" },
      { label: "p95", colour: "--c4" },
      { label: "p99", colour: "--c6" },
    ],
    rows: (points) => [
      points.map((p) => p.p50),
      points.map((p) => p.p95),
      points.map((p) => p.p99),
    ],
  },
  origin: {
    unit: "/s",
    series: [
      { label: "lookups", colour: "--c1" },
      { label: "origin loads", colour: "--c6" },
    ],
    rows: (points) => [points.map((p) => p.lookupsPerSecond), points.map((p) => p.loadsPerSecond)],
  },
  cost: {
    unit: " $",
    series: [{ label: "per 1,000 requests", colour: "--c3" }],
    rows: (points) => [points.map((p) => p.costPerThousand)],
  },
};

/** Makes the rows of a stacked chart: each tier's share and all shares below it. @param {(number | null)[][]} shares */
function stack(shares) {
  return TIERS.map((_, tier) =>
    shares.map((row) =>
      row[0] === null ? null : row.slice(0, tier + 1).reduce((a, b) => a + (b ?? 0), 0),
    ),
  );
}

/** Draws a chart into each element with `data-chart`. Redraws it when the width or the colours change. */
export function createCharts() {
  const charts = [...document.querySelectorAll("[data-chart]")].map((element) => ({
    element: /** @type {HTMLElement} */ (element),
    kind: KINDS[/** @type {keyof typeof KINDS} */ (element.getAttribute("data-chart"))],
    /** @type {any} */ plot: undefined,
  }));
  /** @type {any[]} */
  let points = [];

  const dataOf = (kind) => [points.map(({ at }) => at), ...kind.rows(points)];

  function build() {
    for (const chart of charts) {
      chart.plot?.destroy();
      const width = chart.element.clientWidth;
      const uPlot = /** @type {any} */ (globalThis).uPlot;
      chart.plot = new uPlot(optionsOf(chart.kind, width, 190), dataOf(chart.kind), chart.element);
    }
  }

  build();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
  new ResizeObserver(() => {
    for (const { element, plot } of charts)
      if (plot.width !== element.clientWidth)
        plot.setSize({ width: element.clientWidth, height: 190 });
  }).observe(document.body);

  return {
    rebuild: build,
    /** @param {any[]} next */
    draw(next) {
      points = next;
      for (const { element, kind, plot } of charts) {
        plot.setData(dataOf(kind));
        element.dataset["points"] = String(points.length);
      }
    },
  };
}
