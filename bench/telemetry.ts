/**
 * What telemetry costs a hit in memory: the same Worker with telemetry off, with every tenth
 * request sampled, and with every request exported, in one run. Rounds of the three take turns, each
 * in another order, so that what slows the machine slows them all; the ratios are of rounds. The
 * processor time of workerd, where the system tells it (Linux), is free of what else runs.
 */
import { processorTime, runtimes } from "./support/processor-time.ts";
import { save, show } from "./support/report.ts";
import { median } from "./support/time.ts";
import { ask, closeConnections, closedLoop } from "./tiers/load.ts";
import { bundle, startDataCentre } from "./tiers/runtime.ts";
import { forkServices } from "./tiers/services.ts";

const ROUNDS = Number(process.env["ROUNDS"] ?? 24);
const REQUESTS = 4_000;
const WIDTH = 8;

const services = await forkServices();
const script = bundle("wrangler.toml");
const common = {
  DATABASE_URL: services.databaseUrl,
  NEON_ENDPOINT: services.sqlEndpoint,
  UPSTASH_REDIS_REST_URL: services.redisUrl,
  UPSTASH_REDIS_REST_TOKEN: services.redisToken,
  STRATA_DEV: "1",
  STRATA_LOG: "off",
  OTEL_EXPORTER_OTLP_ENDPOINT: `${services.url}/otlp`,
};
const variants = [
  { name: "off", variables: { OTEL_SDK_DISABLED: "true" } },
  {
    name: "10 %",
    variables: { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.1" },
  },
  { name: "full", variables: { OTEL_TRACES_SAMPLER: "always_on" } },
];

interface Subject {
  readonly name: string;
  readonly url: string;
  readonly rates: number[];
  /** Processor time a request, in microseconds. */
  readonly costs: number[];
  readonly pid: number | undefined;
  close(): Promise<void>;
}

const subjects: Subject[] = [];
for (const { name, variables } of variants) {
  const bindings = {
    ...common,
    STRATA_NAMESPACE: `bench-${name.replace(/\W/g, "")}`,
    ...variables,
  };
  const before = new Set(runtimes());
  const centre = await startDataCentre(script, { isolates: 1, bindings, objects: true });
  const pid = runtimes().find((candidate) => !before.has(candidate));
  const url = centre.urls[0] ?? "";
  subjects.push({ name, url, rates: [], costs: [], pid, close: () => centre.close() });
}

let requests = 0;
async function round({ url, pid, costs }: Subject): Promise<number> {
  const before = processorTime(pid);
  const startedAt = performance.now();
  await closedLoop(REQUESTS, WIDTH, async () => {
    const { status } = await ask(`${url}/products/1`, requests++);
    if (status !== 200) throw new Error(`status ${status}`);
  });
  const rate = (REQUESTS * 1000) / (performance.now() - startedAt);
  const after = processorTime(pid);
  if (before !== undefined && after !== undefined) costs.push((after - before) / REQUESTS);
  return rate;
}

/** Starts the measured part from nothing. */
function forget({ rates, costs }: Subject): void {
  rates.length = 0;
  costs.length = 0;
}

// Until everything is compiled, and the entry is in memory.
for (const subject of subjects) for (let i = 0; i < 4; i++) await round(subject);
for (const subject of subjects) forget(subject);
for (let i = 0; i < ROUNDS; i++) {
  const order = subjects.map((_, at) => subjects[(at + i) % subjects.length]);
  for (const subject of order) subject?.rates.push(await round(subject));
}

const [off] = subjects;
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
const rows = subjects.map(({ name, rates, costs }) => {
  const ratios = rates.map((rate, at) => rate / (off?.rates[at] ?? rate));
  const sorted = ratios.toSorted((a, b) => a - b);
  return {
    telemetry: name,
    "requests/s": Math.round(median(rates)),
    "of off": median(ratios).toFixed(3),
    quartiles: `${sorted[Math.floor(ROUNDS / 4)]?.toFixed(3)} to ${sorted[Math.floor((3 * ROUNDS) / 4)]?.toFixed(3)}`,
    "CPU µs/request": costs.length === 0 ? "–" : Math.round(mean(costs)),
    "of off, by CPU":
      costs.length === 0 ? "–" : (mean(off?.costs ?? costs) / mean(costs)).toFixed(3),
  };
});
show(`A hit in memory, ${ROUNDS} rounds of ${REQUESTS} requests, ${WIDTH} at a time`, rows);
save("telemetry", rows);

closeConnections();
for (const { close } of subjects) await close();
await services.close();
