/**
 * Measures what a miss costs through the tiers, in processor time of workerd and in requests, commands and queries,
 * beside a bare handler that asks SQL for each request. Every request reads a key of its own. STARTS, ROUNDS and
 * WARM_UP set how often each subject starts and is measured.
 */
import { bundle } from "../dev/bundle.ts";
import { forkServices } from "../dev/services-process.ts";
import { countsOf, setLatency } from "./support/gateways.ts";
import { save, show } from "./support/report.ts";
import { measure, type Variant } from "./support/subjects.ts";
import { median, rangeOf } from "./support/time.ts";
import { ask, closeConnections, closedLoop } from "./tiers/load.ts";
import { objectBindings, startDataCentre } from "./tiers/runtime.ts";
import { setTimeout as sleep } from "node:timers/promises";

const STARTS = Number(process.env["STARTS"] ?? 5);
const ROUNDS = Number(process.env["ROUNDS"] ?? 10);
const SQL_MS = 10;
const REDIS_MS = 1;
const REQUESTS = 500;
const WIDTH = 8;
/** The misses of which requests, commands and queries are counted. */
const COUNTED = 400;
/** Writes after the response have ended by then. */
const SETTLE_MS = 500;

/** The first is the base of the ratios. */
const SUBJECTS = [
  { name: "bare handler that asks SQL", route: "bare" },
  { name: "cached(), memory", route: "memory" },
  { name: "cached(), memory and edge", route: "edge" },
  { name: "cached(), memory and Redis", route: "redis" },
  { name: "cached(), all tiers", route: "tiers" },
  { name: "cached(), all tiers, one load for a region", route: "all" },
] as const;

const services = await forkServices();
const script = bundle("bench/miss/wrangler.toml");
const without = Object.keys(objectBindings()).filter((name) => name !== "FLIGHTS");
const bindings = {
  DATABASE_URL: services.databaseUrl,
  NEON_ENDPOINT: services.sqlEndpoint,
  UPSTASH_REDIS_REST_URL: services.redisUrl,
  UPSTASH_REDIS_REST_TOKEN: services.redisToken,
  OTEL_SDK_DISABLED: "true",
  STRATA_LOG: "off",
  PATIENT: "1",
};

const variants = SUBJECTS.map(({ name, route }): Variant => {
  const expects: Variant["expects"] = ({ headers }) => headers["x-cache-status"] === "MISS";
  const path = (request: number): string => `/${route}/${request}`;
  return { name, path, bindings, without, ...(route !== "bare" && { expects }) };
});

/** Counts the calls of one miss at the gateways, alone in a workerd. The syncs of the log are among them. */
async function callsOf(route: string) {
  const options = { isolates: 1, objects: true, without };
  const own = { ...bindings, STRATA_NAMESPACE: `bench-count-${route}` };
  const centre = await startDataCentre(script, { ...options, bindings: own });
  const miss = async (at: number): Promise<void> => {
    const { status } = await ask(`${centre.urls[0]}/${route}/${at}`, at);
    if (status !== 200) throw new Error(`${route}: status ${status}`);
  };
  try {
    await miss(COUNTED);
    await sleep(SETTLE_MS);
    const before = await countsOf(services);
    await closedLoop(COUNTED, WIDTH, miss);
    await sleep(SETTLE_MS);
    const after = await countsOf(services);
    const queries = after.sql.queries - before.sql.queries;
    if (queries !== COUNTED) throw new Error(`${route}: ${queries} queries for ${COUNTED} misses`);
    return {
      "Redis requests a miss": perMiss(after.redis.requests - before.redis.requests),
      "Redis commands a miss": perMiss(after.redis.commands - before.redis.commands),
      "SQL queries a miss": perMiss(queries),
    };
  } finally {
    await centre.close();
  }
}

const perMiss = (count: number): string => (count / COUNTED).toFixed(2);

try {
  await setLatency(services, "sql", SQL_MS);
  await setLatency(services, "redis", REDIS_MS);
  const calls: Awaited<ReturnType<typeof callsOf>>[] = [];
  for (const { route } of SUBJECTS) calls.push(await callsOf(route));
  const starts = await measure({
    script,
    variants,
    starts: STARTS,
    rounds: ROUNDS,
    requests: REQUESTS,
    width: WIDTH,
    warmUp: Number(process.env["WARM_UP"] ?? 4),
  });
  const rows = SUBJECTS.map(({ name }, at) => {
    const of = (which: number): readonly number[] =>
      starts.map((start) => start[which]!.cpuUs ?? Number.NaN);
    const times = of(at);
    const added = times.map((us, start) => us - of(0)[start]!);
    return {
      miss: name,
      "CPU µs a miss": Math.round(median(times)),
      range: rangeOf(times),
      "more than the bare handler": Math.round(median(added)),
      "range of that": rangeOf(added),
      "misses/s": Math.round(1_000 / median(starts.map((start) => start[at]!.ms))),
      ...calls[at],
    };
  });
  const delays = `SQL ${SQL_MS} ms, Redis ${REDIS_MS} ms, ${WIDTH} at a time`;
  show(`A miss: ${STARTS} starts, ${ROUNDS} rounds of ${REQUESTS} each; ${delays}`, rows);
  save("miss", { starts: STARTS, rounds: ROUNDS, delays, rows });
} finally {
  closeConnections();
  await services.close();
}
