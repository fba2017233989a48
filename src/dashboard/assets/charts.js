// @ts-check
import { TIERS } from "./figures.js";
import { time } from "./states.js";

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

/** The pixels of the tick and of the gap between the tick and its label. */
const LABEL_GAP = 18;

/** Returns the width of the widest label in CSS pixels. @param {any} u @param {string[]} labels */
function widthOf(u, labels) {
  u.ctx.save();
  u.ctx.font = u.axes[1].font[0];
  const widths = labels.map((label) => u.ctx.measureText(label).width);
  u.ctx.restore();
  return Math.ceil(Math.max(0, ...widths) / devicePixelRatio);
}

/** Three digits, without an exponent where few digits tell as much. @param {number} value */
function shortNumber(value) {
  const text = String(+value.toPrecision(3));
  return text.includes("e") ? (+value.toPrecision(3)).toExponential() : text;
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
    // The last label of the x axis is centred under its tick, so half of it stands to the right.
    padding: [12, 28, 0, 0],
    cursor: { drag: { x: false, y: false } },
    scales: {
      x: { time: true, range: (_u, min, max) => (min === max ? [min - 1, max + 1] : [min, max]) },
      y: { range: kind.max ? [0, kind.max] : (_u, _min, max) => [0, Math.max(max * 1.1, 0.001)] },
    },
    axes: [
      {
        ...axis,
        space: 70,
        size: 34,
        // In UTC, as all times of the page. The seconds are shown if the ticks are closer than a minute.
        values: (_u, ticks, _axis, _space, step) =>
          ticks.map((tick) => time(tick * 1000).slice(0, step < 60 ? 8 : 5)),
      },
      {
        ...axis,
        size: (u, values) => widthOf(u, values ?? []) + LABEL_GAP,
        values: (_u, values) => values.map((v) => `${shortNumber(v)}${kind.unit}`),
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
  errors: {
    unit: "/s",
    series: [
      { label: "5xx", colour: "--c6" },
      { label: "429", colour: "--c4" },
      { label: "faults", colour: "--c3" },
    ],
    rows: (points) => [
      points.map((p) => p.errorsPerSecond),
      points.map((p) => p.refusedPerSecond),
      points.map((p) => p.faultsPerSecond),
    ],
  },
  requests: {
    unit: "/s",
    series: [{ label: "requests", colour: "--c1" }],
    rows: (points) => [points.map((p) => p.requestsPerSecond)],
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
        element.dataset["from"] = String(points[0]?.at ?? "");
      }
    },
  };
}
