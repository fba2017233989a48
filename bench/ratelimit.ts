/**
 * What a limit costs a hit in memory: one route without a limit, with the reference
 * API's fast limit, and with a strict one, in one isolate and one run. Every client
 * stays below its limit, so that each request is counted and answered. Rounds take
 * turns, each in another order; the ratios are of rounds.
 */
import { processorTime, runtimes } from "./support/processor-time.ts";
import { save, show } from "./support/report.ts";
import { median } from "./support/time.ts";
import { ask, closeConnections, closedLoop } from "./tiers/load.ts";
import { bundle, startDataCentre } from "./tiers/runtime.ts";
import { forkServices } from "./tiers/services.ts";

const ROUNDS = Number(process.env["ROUNDS"] ?? 60);
const REQUESTS = 500;
const WIDTH = 8;
/** They take turns: none of them asks 100 times a minute. */
const CLIENTS = 1_000;

const services = await forkServices();
const centre = await startDataCentre(bundle("bench/ratelimit/wrangler.toml"), {
  isolates: 1,
  objects: true,
  bindings: {
    DATABASE_URL: services.databaseUrl,
    NEON_ENDPOINT: services.sqlEndpoint,
    UPSTASH_REDIS_REST_URL: services.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: services.redisToken,
    OTEL_SDK_DISABLED: "true",
    STRATA_LOG: "off",
  },
});
const url = centre.urls[0] ?? "";

const [pid] = runtimes();
const rates = { none: [] as number[], fast: [] as number[], strict: [] as number[] };
const names = Object.keys(rates) as (keyof typeof rates)[];
/** Microseconds of processor time, a request each round; workerd's alone, what it asks Redis included. */
const costs = { none: [] as number[], fast: [] as number[], strict: [] as number[] };

let requests = 0;
async function round(limit: keyof typeof rates): Promise<number> {
  const before = processorTime(pid);
  const startedAt = performance.now();
  await closedLoop(REQUESTS, WIDTH, async () => {
    const { status } = await ask(`${url}/${limit}`, requests++ % CLIENTS);
    if (status !== 200) throw new Error(`${limit}: status ${status}`);
  });
  const rate = (REQUESTS * 1_000) / (performance.now() - startedAt);
  const after = processorTime(pid);
  if (before !== undefined && after !== undefined) costs[limit].push((after - before) / REQUESTS);
  return rate;
}

for (const name of names) {
  for (let i = 0; i < 8; i++) await round(name);
  costs[name].length = 0;
}
for (let i = 0; i < ROUNDS; i++)
  for (let at = 0; at < names.length; at++) {
    const name = names[(at + i) % names.length] ?? "none";
    rates[name].push(await round(name));
  }

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
const rows = names.map((name) => ({
  limit: name,
  "requests/s": Math.round(median(rates[name])),
  "of none": median(rates[name].map((rate, i) => rate / (rates.none[i] ?? rate))).toFixed(3),
  "CPU µs/request": costs[name].length === 0 ? "–" : Math.round(mean(costs[name])),
}));
show("A hit in memory, with and without a limit", rows);
save("ratelimit", rows);
closeConnections();
await centre.close();
await services.close();
