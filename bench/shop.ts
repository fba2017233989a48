/**
 * Measures a shop with and without the cache: product pages, lists, categories, settings, users and
 * recommendations, drawn by Zipf, with 50 ms to the database and 1 ms to Redis, served by workerd. There
 * are two data centres with two isolates each. REQUESTS sets the number of reads of a phase.
 */
import { bundle } from "../dev/bundle.ts";
import { forkServices } from "../dev/services-process.ts";
import { createVisits } from "./shop/visits.ts";
import { meanOf, rowOf, shareOf, sourceOf, type Phase, type Sample } from "./shop/figures.ts";
import { createDice } from "./support/dice.ts";
import { countsOf, setLatency } from "./support/gateways.ts";
import { save, show } from "./support/report.ts";
import { ask, closeConnections, closedLoop } from "./tiers/load.ts";
import { startDataCentre } from "./tiers/runtime.ts";

const REQUESTS = Number(process.env["REQUESTS"] ?? 20_000);
const UNCACHED = Math.ceil(REQUESTS / 20);
const SQL_MS = 50;
const REDIS_MS = 1;
const WIDTH = 4;
/** Number of reads per write of one product, in the steady phase. */
const WRITE_EVERY = 500;
const ADMIN = "bench-admin-token-0123456789";
const AS_ADMIN = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };

const services = await forkServices();
const bindings = {
  DATABASE_URL: services.databaseUrl,
  NEON_ENDPOINT: services.sqlEndpoint,
  UPSTASH_REDIS_REST_URL: services.redisUrl,
  UPSTASH_REDIS_REST_TOKEN: services.redisToken,
  ADMIN_TOKEN: ADMIN,
  STRATA_LOG: "off",
  STRATA_DEV: "1",
};
const [strata, direct] = [bundle("wrangler.toml"), bundle("bench/shop/direct/wrangler.toml")];
const centres = [
  await startDataCentre(strata, { isolates: 2, bindings, objects: true }),
  await startDataCentre(strata, { isolates: 2, bindings, objects: true }),
];
const uncached = await startDataCentre(direct, { isolates: 1, bindings, objects: false });

const dice = createDice(42);
const visits = createVisits(dice);
const cachedUrls = centres.flatMap(({ urls }) => urls);

const countQueries = async (): Promise<number> => (await countsOf(services)).sql.queries;

async function write(url: string, at: number): Promise<void> {
  const init = { method: "PATCH", headers: AS_ADMIN, body: JSON.stringify({ stock: at }) };
  const { status } = await ask(`${url}/products/${visits.product()}/stock`, at, init);
  if (status !== 200) throw new Error(`a write answered ${status}`);
}

async function run(
  name: string,
  urls: readonly string[],
  count: number,
  options: { readonly writes: boolean; readonly isCached: boolean },
): Promise<Phase> {
  const samples: Sample[] = [];
  const queries = await countQueries();
  const startedAt = performance.now();
  await closedLoop(count, WIDTH, async (at) => {
    const url = urls[Math.floor(dice() * urls.length)] ?? "";
    if (options.writes && at % WRITE_EVERY === WRITE_EVERY - 1) return write(url, at);
    const answer = await ask(`${url}${visits.next()}`, at);
    if (answer.status !== 200) throw new Error(`${name}: status ${answer.status}`);
    samples.push({ from: options.isCached ? sourceOf(answer) : "database", ms: answer.ms });
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  return { name, samples, seconds, queries: (await countQueries()) - queries };
}

async function warm(): Promise<string> {
  const startedAt = performance.now();
  const response = await fetch(`${cachedUrls[0]}/admin/warm`, {
    method: "POST",
    headers: AS_ADMIN,
    body: JSON.stringify({ kind: "hottest" }),
  });
  const last = (await response.text()).trim().split("\n").at(-1) ?? "";
  return `${last} in ${Math.round(performance.now() - startedAt)} ms`;
}

try {
  await setLatency(services, "sql", SQL_MS);
  await setLatency(services, "redis", REDIS_MS);
  const read = { writes: false, isCached: true };
  const plain = { writes: false, isCached: false };
  await run("connections", uncached.urls, 50, plain);
  const without = await run("without the cache", uncached.urls, UNCACHED, plain);
  const warmed = await warm();
  const filling = await run("with, Redis warmed", cachedUrls, REQUESTS, read);
  const steady = await run("with, steady, with writes", cachedUrls, REQUESTS, {
    ...read,
    writes: true,
  });
  const phases = [without, filling, steady];
  const rows = phases.map(rowOf);
  show(
    `A shop with SQL ${SQL_MS} ms, Redis ${REDIS_MS} ms, ${WIDTH} requests at a time; times in milliseconds`,
    rows,
  );
  const outside = shareOf(steady, "edge", "redis", "database");
  const goals = {
    "memory over 80 %": shareOf(steady, "memory") > 0.8,
    "edge and Redis over 15 % of the rest": shareOf(steady, "edge", "redis") > 0.15 * outside,
    "database under 5 %": shareOf(steady, "database") < 0.05,
  };
  console.log(`\nwarmed: ${warmed}`);
  console.log(`speed-up of the mean: ${(meanOf(without) / meanOf(steady)).toFixed(1)}x`);
  for (const [goal, isMet] of Object.entries(goals))
    console.log(`${isMet ? "met" : "NOT met"}: ${goal}`);
  save("shop", { rows, warmed, goals });
} finally {
  closeConnections();
  await Promise.all([...centres, uncached].map((centre) => centre.close()));
  await services.close();
}
