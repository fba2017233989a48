/**
 * Measures the processor time of a request as one quantity grows: keys, tags, invalidations, bytes, isolates. Each
 * point has its own workerd, the rounds of an axis take turns, and everything starts several times. STARTS, ROUNDS and
 * WARM_UP set how often, and MOST_KEYS the most keys. ONLY names a part of the axes, by a regular expression. CHARTS=1 also writes the figures and
 * their charts to docs/img, and CHARTS=only does so from the last run.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { bundle } from "../dev/bundle.ts";
import { forkServices } from "../dev/services-process.ts";
import type { ServiceAddresses } from "../dev/services.ts";
import { planAxes, type PlannedAxis } from "./scale/axes.ts";
import { chartOf } from "./scale/chart.ts";
import { riseOf, type Axis, type Figures } from "./scale/figures.ts";
import { save, show } from "./support/report.ts";
import { measure } from "./support/subjects.ts";
import { median } from "./support/time.ts";
import { closeConnections } from "./tiers/load.ts";
import { objectBindings } from "./tiers/runtime.ts";

const STARTS = Number(process.env["STARTS"] ?? 3);
const ROUNDS = Number(process.env["ROUNDS"] ?? 10);
const WARM_UP = Number(process.env["WARM_UP"] ?? 8);
const ONLY = new RegExp(process.env["ONLY"] ?? "");
const CHARTS = process.env["CHARTS"];
const PICTURES = join(import.meta.dirname, "../docs/img");
/** The goal: the medians of a flat curve rise by this share at most. */
const FLAT = 0.1;

const script = CHARTS === "only" ? "" : bundle("bench/scale/subject/wrangler.toml");
const without = Object.keys(objectBindings()).filter((name) => name !== "FLIGHTS");

async function run(plan: PlannedAxis, services: ServiceAddresses): Promise<Axis> {
  const bindings = {
    DATABASE_URL: services.databaseUrl,
    NEON_ENDPOINT: services.sqlEndpoint,
    UPSTASH_REDIS_REST_URL: services.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: services.redisToken,
    OTEL_SDK_DISABLED: "true",
    STRATA_LOG: "off",
    TAGS: "2",
    BYTES: "100",
  };
  const starts = await measure({
    script,
    variants: plan.subjects.map(({ variant, bindings: own }) => ({
      ...variant,
      without,
      bindings: { ...bindings, ...own },
    })),
    starts: STARTS,
    rounds: ROUNDS,
    requests: 1_000,
    width: 8,
    warmUp: WARM_UP,
  });
  const points = plan.subjects.map(({ x, operations }, at) => {
    const times = starts.map((start) => (start[at]?.cpuUs ?? Number.NaN) / operations);
    const shown = (us: number): number => Number(us.toPrecision(4));
    return {
      x,
      median: shown(median(times)),
      min: shown(Math.min(...times)),
      max: shown(Math.max(...times)),
    };
  });
  const names = [...new Set(plan.subjects.map(({ curve }) => curve))];
  const { id, title, x, y } = plan;
  const curves = names.map((name) => {
    const curve = { name, points: points.filter((_, at) => plan.subjects[at]?.curve === name) };
    const isFlat = riseOf(curve) <= FLAT;
    return plan.flat.includes(name) ? { ...curve, isFlat } : curve;
  });
  return { id, title, x, y, curves };
}

function showAxis({ title, x, y, curves }: Axis): void {
  const rows = curves.flatMap((curve) =>
    curve.points.map((point) => ({
      curve: curve.name,
      [x]: point.x,
      [y]: point.median,
      range: `${point.min} to ${point.max}`,
      "of the first": (point.median / (curve.points[0]?.median ?? Number.NaN)).toFixed(2),
    })),
  );
  show(title, rows);
  for (const curve of curves)
    if (curve.isFlat !== undefined)
      console.log(
        `\n${curve.name}: ${(100 * riseOf(curve)).toFixed(1)} % more at most: the goal of ${100 * FLAT} % is ${curve.isFlat ? "met" : "missed"}`,
      );
}

/** Measures the axes. The results are saved after each of them. */
async function measureAll(): Promise<Figures> {
  const services = await forkServices();
  try {
    const machine = `${cpus()[0]?.model ?? ""}, ${cpus().length} cores`;
    const at = new Date().toISOString();
    let figures: Figures = { at, machine, starts: STARTS, rounds: ROUNDS, axes: [] };
    for (const plan of planAxes(services).filter(({ id }) => ONLY.test(id))) {
      const axis = await run(plan, services);
      showAxis(axis);
      figures = { ...figures, axes: [...figures.axes, axis] };
      save("scale", figures);
    }
    return figures;
  } finally {
    closeConnections();
    await services.close();
  }
}

function lastRun(): Figures {
  const file = join(import.meta.dirname, "results/scale.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly results: Figures }).results;
}

const figures = CHARTS === "only" ? lastRun() : await measureAll();
if (CHARTS !== undefined) {
  mkdirSync(PICTURES, { recursive: true });
  writeFileSync(join(PICTURES, "scale.json"), `${JSON.stringify(figures, null, 2)}\n`);
  for (const axis of figures.axes)
    writeFileSync(join(PICTURES, `scale-${axis.id}.svg`), chartOf(axis));
}
