/**
 * Measures the product page under a Zipf load with Strata, with a plain cache-aside and without a
 * cache, with 50 ms to the database and 1 ms to Redis, served by workerd. There are two data
 * centres with two isolates each. The shares of the tiers are counted from Cache-Status.
 */
import { bundle } from "../dev/bundle.ts";
import { forkServices } from "../dev/services-process.ts";
import { createDice } from "./support/dice.ts";
import { setLatency } from "./support/gateways.ts";
import { save, show, type Row } from "./support/report.ts";
import { quantile } from "./support/time.ts";
import { createZipf } from "./support/zipf.ts";
import { ask, closeConnections, closedLoop, type Answer } from "./tiers/load.ts";
import { startDataCentre } from "./tiers/runtime.ts";

const PRODUCTS = 2_000;
const EXPONENT = 0.99;
const SQL_MS = 50;
const REDIS_MS = 1;
const WIDTH = 1;
const FILLING = 20_000;
const STEADY = 20_000;
/** Number of reads per write of one product's stock, in the steady part. */
const WRITE_EVERY = 500;
const UNCACHED = 300;
const ASIDE = 2_000;
const ADMIN = "bench-admin-token-0123456789";

const services = await forkServices();
const variables = {
  DATABASE_URL: services.databaseUrl,
  NEON_ENDPOINT: services.sqlEndpoint,
  UPSTASH_REDIS_REST_URL: services.redisUrl,
  UPSTASH_REDIS_REST_TOKEN: services.redisToken,
  ADMIN_TOKEN: ADMIN,
  STRATA_LOG: "off",
  STRATA_DEV: "1",
};
const [strata, baseline] = [bundle("wrangler.toml"), bundle("bench/tiers/baseline/wrangler.toml")];
const centres = [
  await startDataCentre(strata, { isolates: 2, bindings: variables, objects: true }),
  await startDataCentre(strata, { isolates: 2, bindings: variables, objects: true }),
];
const plain = await startDataCentre(baseline, { isolates: 1, bindings: variables, objects: false });

const dice = createDice(42);
const product = createZipf(PRODUCTS, EXPONENT, dice);
const isolates = centres.flatMap(({ urls }) => urls);
const anyIsolate = (): string => isolates[Math.floor(dice() * isolates.length)] ?? "";

interface Sample {
  readonly from: string;
  readonly ms: number;
}

/** Returns the tier that answered: `detail=` of a hit, or the origin for a forwarded request. */
function tierOf({ status, headers }: Answer): string {
  if (status !== 200) throw new Error(`status ${status}`);
  const said = String(headers["cache-status"] ?? "");
  if (/\bfwd=/.test(said) && !/\bhit\b/.test(said)) return "origin";
  return /detail=(\w+)/.exec(said)?.[1] ?? "origin";
}

async function readStrata(count: number, writeEvery?: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  await closedLoop(count, WIDTH, async (at) => {
    const id = product() + 1;
    if (writeEvery !== undefined && at % writeEvery === writeEvery - 1) {
      const headers = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };
      const body = JSON.stringify({ stock: at });
      const init = { method: "PATCH", headers, body };
      const written = await ask(`${anyIsolate()}/products/${id}/stock`, at, init);
      if (written.status !== 200) throw new Error(`a write answered ${written.status}`);
      return;
    }
    const answer = await ask(`${anyIsolate()}/products/${id}`, at);
    samples.push({ from: tierOf(answer), ms: answer.ms });
  });
  return samples;
}

/**
 * Warms the cache as after a deployment: Redis gets all products, and the nearer tiers fill on use.
 */
async function warm(): Promise<string> {
  const startedAt = performance.now();
  const response = await fetch(`${isolates[0]}/admin/warm`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" },
    body: JSON.stringify({ kind: "products" }),
  });
  const last = (await response.text()).trim().split("\n").at(-1) ?? "";
  return `${last} in ${Math.round(performance.now() - startedAt)} ms`;
}

async function readPlain(cache: "none" | "aside", count: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  await closedLoop(count, WIDTH, async (at) => {
    const { status, headers, ms } = await ask(`${plain.urls[0]}/${cache}/${product() + 1}`, at);
    if (status !== 200) throw new Error(`${cache}: status ${status}`);
    samples.push({ from: String(headers["x-from"] ?? "origin"), ms });
  });
  return samples;
}

function summary(name: string, samples: readonly Sample[]): Row & { mean: number } {
  const share = (from: string): string =>
    `${((100 * samples.filter((one) => one.from === from).length) / samples.length).toFixed(2)} %`;
  const times = samples.map(({ ms }) => ms);
  const mean = times.reduce((sum, ms) => sum + ms, 0) / times.length;
  return {
    setup: name,
    reads: samples.length,
    memory: share("memory"),
    edge: share("edge"),
    redis: share("redis"),
    origin: share("origin"),
    mean: Number(mean.toFixed(3)),
    p50: quantile(times, 0.5).toFixed(2),
    p99: quantile(times, 0.99).toFixed(2),
  };
}

try {
  await setLatency(services, "sql", SQL_MS);
  await setLatency(services, "redis", REDIS_MS);
  await readPlain("none", 50);
  const none = summary("no cache", await readPlain("none", UNCACHED));
  await readPlain("aside", ASIDE);
  const aside = summary("cache-aside, warm", await readPlain("aside", ASIDE));
  const warmed = await warm();
  const filling = summary("Strata, Redis warmed", await readStrata(FILLING));
  const steady = summary("Strata, steady, with writes", await readStrata(STEADY, WRITE_EVERY));
  const rows = [none, aside, filling, steady].map((row) => ({
    ...row,
    "speed-up over no cache": `${(none.mean / row.mean).toFixed(1)}x`,
    "over cache-aside": `${(aside.mean / row.mean).toFixed(1)}x`,
  }));
  show(
    `Reads of ${PRODUCTS} products, Zipf ${EXPONENT}, SQL ${SQL_MS} ms, Redis ${REDIS_MS} ms, ${WIDTH} at a time; milliseconds`,
    rows,
  );
  console.log(`\nwarmed: ${warmed}`);
  save("tiers", { rows, warmed });
} finally {
  closeConnections();
  await Promise.all([...centres, plain].map((centre) => centre.close()));
  await services.close();
}
