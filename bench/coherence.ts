/**
 * Counts on workerd what the model of cost calculates: the Redis commands of 8 busy isolates, and
 * the time until a write is visible in 2 and 4 instances.
 *
 * - `DESIGN=direct`, the default: each isolate asks Redis. `DESIGN=shared`: with the binding LOGS.
 * - `WRITES=200`: the number of writes for each number of instances.
 */
import { setTimeout as pause } from "node:timers/promises";
import { bundle } from "../dev/bundle.ts";
import { forkServices } from "../dev/services-process.ts";
import { readDuring, request } from "./coherence/requests.ts";
import { watchWrites } from "./coherence/visibility.ts";
import { runModel } from "./cost/run.ts";
import { SCENARIO, type Scenario } from "./cost/scenario.ts";
import { SHARED } from "./cost/shared-design.ts";
import { createDice } from "./support/dice.ts";
import { save, show, type Row } from "./support/report.ts";
import { quantile } from "./support/time.ts";
import { closeConnections } from "./tiers/load.ts";
import { objectBindings, startDataCentre, type DataCentre } from "./tiers/runtime.ts";
import type { Counts } from "../dev/gateway/counts.ts";

const SHARES = "LOGS";
const ISOLATES = 8;
const COUNTED_MS = 20_000;
const READ_EVERY_MS = 40;
const REDIS_MS = 20;
const PRODUCTS = [1, 2, 3, 4, 5];
const ADMIN = "bench-admin-token-0123456789";
/** One Redis server without replicas, and an origin whose reads do not lag. */
const LAG_MS = 0;

const design = process.env["DESIGN"] ?? "direct";
const writes = Number(process.env["WRITES"] ?? 200);
if (design !== "direct" && design !== "shared")
  throw new Error(`DESIGN is "${design}"; it should be direct or shared`);
if (design === "shared" && objectBindings()[SHARES] === undefined)
  throw new Error(`wrangler.toml has no binding ${SHARES}, so that there are no shares`);

const services = await forkServices();
const script = bundle("wrangler.toml");
let started = 0;

/** Starts data centres whose isolates know nothing yet. Each has a Cache API and objects of its own. */
async function start(dataCentres: number, isolates: number): Promise<DataCentre[]> {
  const bindings = {
    DATABASE_URL: services.databaseUrl,
    NEON_ENDPOINT: services.sqlEndpoint,
    UPSTASH_REDIS_REST_URL: services.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: services.redisToken,
    ADMIN_TOKEN: ADMIN,
    STRATA_LOG: "off",
    STRATA_DEV: "1",
    STRATA_NAMESPACE: `bench-${started++}`,
  };
  const without = design === "direct" ? [SHARES] : [];
  const options = { isolates, bindings, objects: true, without };
  return Promise.all(Array.from({ length: dataCentres }, () => startDataCentre(script, options)));
}

async function redisCounts(): Promise<Counts["redis"]> {
  const response = await fetch(`${services.url}/counts`);
  return ((await response.json()) as Counts).redis;
}

/** Counts the Redis commands of busy isolates that have nothing but hits, beside the model's. */
async function countSyncs(dataCentres: number): Promise<Row> {
  const centres = await start(dataCentres, ISOLATES / dataCentres);
  try {
    const urls = centres.flatMap(({ urls }) => urls).map((url) => `${url}/products/1`);
    // The first reads load the product, and the second ones find it in memory.
    for (const url of [...urls, ...urls]) await request(url);
    let before: Counts["redis"] | undefined;
    let after: Counts["redis"] | undefined;
    const counted = (async () => {
      await pause(2_000);
      before = await redisCounts();
      await pause(COUNTED_MS);
      after = await redisCounts();
    })();
    const reads = await readDuring(urls, READ_EVERY_MS, counted);
    if (before === undefined || after === undefined) throw new Error("nothing was counted");
    const seconds = COUNTED_MS / 1_000;
    const readsPerSecond = reads / ISOLATES / (seconds + 2);
    const modelled = model(dataCentres, readsPerSecond);
    return {
      design,
      isolates: ISOLATES,
      "data centres": dataCentres,
      "reads/s of each": readsPerSecond.toFixed(1),
      "Redis requests/s, measured": ((after.requests - before.requests) / seconds).toFixed(2),
      "Redis commands/s, measured": ((after.commands - before.commands) / seconds).toFixed(2),
      "Redis commands/s, modelled": modelled.toFixed(2),
    };
  } finally {
    for (const centre of centres) await centre.close();
  }
}

function model(dataCentres: number, readsPerSecond: number): number {
  const network = { ...SCENARIO.network, redis: [REDIS_MS, REDIS_MS], object: [2, 5] } as const;
  const scenario: Scenario = {
    ...SCENARIO,
    isolates: ISOLATES,
    dataCentres,
    regions: dataCentres,
    readsPerSecond,
    reads: "regular",
    network,
  };
  return runModel(scenario, design === "direct" ? "direct" : SHARED).coherence.redisCommands;
}

async function measureDelays(instances: number): Promise<Row & { max: number }> {
  // Half of the instances in each of two data centres.
  const centres = await start(2, instances / 2);
  try {
    const { delays, reads, unreachable, deferred } = await watchWrites({
      instances: centres.flatMap(({ urls }) => urls),
      products: PRODUCTS,
      writesPerProduct: Math.ceil(writes / PRODUCTS.length),
      readEveryMs: READ_EVERY_MS,
      adminToken: ADMIN,
      random: createDice(5),
    });
    return {
      design,
      instances,
      writes: delays.length,
      reads,
      unreachable,
      deferred,
      "p50, ms": Math.round(quantile(delays, 0.5)),
      "p99, ms": Math.round(quantile(delays, 0.99)),
      max: Math.round(Math.max(...delays)),
      "coherence + L, ms": SCENARIO.coherenceMs + LAG_MS,
    };
  } finally {
    for (const centre of centres) await centre.close();
  }
}

try {
  const fault = { method: "PUT", body: JSON.stringify({ latencyMs: REDIS_MS }) };
  const slowed = await fetch(`${services.url}/faults/redis`, fault);
  if (!slowed.ok) throw new Error(`faults/redis: ${await slowed.text()}`);
  const counts = [await countSyncs(1), await countSyncs(2)];
  show("Measured on workerd, beside the model: Redis commands of busy isolates", counts);
  const delays = [await measureDelays(2), await measureDelays(4)];
  show(
    `Measured over HTTP: from the acknowledgement of a write to the last read without it, L = ${LAG_MS} ms`,
    delays,
  );
  save("coherence", { design, counts, delays });
  const bound = SCENARIO.coherenceMs + LAG_MS;
  if (delays.some(({ max }) => max > bound)) {
    console.error(`A read was more than ${bound} ms late.`);
    process.exitCode = 1;
  }
} finally {
  closeConnections();
  await services.close();
}
