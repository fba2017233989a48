/**
 * Measures stampedes over real connections: CLIENTS clients (10,000, if `ulimit -n` allows 21,000 files) ask at the same
 * time for a cold key, for 100 cold keys, and for a hot key that has expired. Counts the SQL queries, and fails if there is more than one for a key and
 * a scope of its flight. Four isolates of one data centre share the clients.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { bundle } from "../dev/bundle.ts";
import { forkServices } from "../dev/services-process.ts";
import { openCrowd, type Answered } from "./stampede/crowd.ts";
import { countsOf, setLatency } from "./support/gateways.ts";
import { save, show, type Row } from "./support/report.ts";
import { quantile } from "./support/time.ts";
import { objectBindings, startDataCentre } from "./tiers/runtime.ts";

const WANTED = Number(process.env["CLIENTS"] ?? 10_000);
/** workerd opens two files for each connection, and some others. */
const CLIENTS = Math.min(WANTED, Math.floor((openFilesLimit() - 1_000) / 2));
const STARTS = Number(process.env["STARTS"] ?? 3);
const ISOLATES = 4;
const KEYS = 100;
const SQL_MS = 50;
const REDIS_MS = 1;
/** Longer than the fresh lifetime of the routes `expiring` and `refreshed` of bench/miss/worker.ts. */
const EXPIRY_MS = 21_000;
const SETTLE_MS = 1_000;

function openFilesLimit(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 1_024);
}

interface Stampede {
  readonly name: string;
  readonly pathOf: (client: number) => string;
  /** The most queries that the scope of the flight allows. Undefined: deadlines may end waits, so none is required. */
  readonly queries?: number;
  /** The paths that every isolate has in memory before, with the time that passes then. */
  readonly before?: { readonly path: string; readonly ms: number };
}

const STAMPEDES: readonly Stampede[] = [
  { name: "a text, without cache and SQL", pathOf: () => "/text", queries: 0 },
  { name: "one cold key, one load for a region", pathOf: () => "/all/1", queries: 1 },
  {
    name: "one cold key, one load for an isolate",
    pathOf: () => "/tiers/1",
    queries: ISOLATES,
  },
  {
    name: `${KEYS} cold keys, one load for a region`,
    pathOf: (client) => `/all/${100 + (Math.floor(client / ISOLATES) % KEYS)}`,
    queries: KEYS,
  },
  {
    name: `${KEYS} cold keys, one load for a region, default deadlines`,
    pathOf: (client) => `/all/${100 + (Math.floor(client / ISOLATES) % KEYS)}`,
  },
  {
    name: "a hot key that has expired",
    pathOf: () => "/expiring/1",
    queries: 1,
    before: { path: "/expiring/1", ms: EXPIRY_MS },
  },
  {
    name: "a hot key that has expired, staleWhileRevalidate",
    pathOf: () => "/refreshed/1",
    queries: 1,
    before: { path: "/refreshed/1", ms: EXPIRY_MS },
  },
];

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
};

interface Outcome {
  readonly answers: readonly Answered[];
  readonly queries: number;
  readonly redis: number;
}

/** Runs a stampede in new isolates. */
async function run(
  { pathOf, before, queries }: Stampede,
  start: number,
  at: number,
): Promise<Outcome> {
  const own = {
    ...bindings,
    STRATA_NAMESPACE: `bench-${start}-${at}`,
    ...(queries !== undefined && { PATIENT: "1" }),
  };
  const centre = await startDataCentre(script, {
    isolates: ISOLATES,
    bindings: own,
    objects: true,
    without,
  });
  try {
    // Each isolate makes its layer, and the flight objects start, before the clients ask.
    const warm = [...centre.urls.keys()].map((isolate) => `/all/${1_000 + isolate}`);
    for (const path of [...warm, ...(before === undefined ? [] : [before.path])])
      for (const url of centre.urls) await (await fetch(`${url}${path}`)).arrayBuffer();
    await sleep(before?.ms ?? SETTLE_MS);
    const crowd = await openCrowd(centre.urls, CLIENTS);
    const counted = await countsOf(services);
    const answers = await crowd.rush(pathOf).finally(() => crowd.close());
    await sleep(SETTLE_MS);
    const after = await countsOf(services);
    return {
      answers,
      queries: (after.sql.tables["products"] ?? 0) - (counted.sql.tables["products"] ?? 0),
      redis: after.redis.requests - counted.redis.requests,
    };
  } finally {
    await centre.close();
  }
}

function rowOf({ name, queries }: Stampede, outcomes: readonly Outcome[]): Row {
  const times = outcomes.flatMap(({ answers }) => answers.map(({ ms }) => ms));
  const refused = outcomes.map(({ answers }) => answers.filter((each) => each.status !== 200));
  const worst = Math.max(...outcomes.map((outcome) => outcome.queries));
  return {
    stampede: name,
    clients: CLIENTS,
    "SQL queries": worst,
    allowed: queries ?? "–",
    "Redis requests": Math.max(...outcomes.map(({ redis }) => redis)),
    "clients refused": Math.max(...refused.map(({ length }) => length)),
    "p50, ms": Math.round(quantile(times, 0.5)),
    "p99, ms": Math.round(quantile(times, 0.99)),
    "longest, ms": Math.round(times.reduce((most, ms) => Math.max(most, ms), 0)),
    verdict: queries === undefined ? "–" : worst <= queries ? "ok" : "too many queries",
  };
}

if (CLIENTS < WANTED) console.log(`The limit of open files allows ${CLIENTS} clients.`);
try {
  await setLatency(services, "sql", SQL_MS);
  await setLatency(services, "redis", REDIS_MS);
  const rows: Row[] = [];
  for (const [at, stampede] of STAMPEDES.entries()) {
    const outcomes: Outcome[] = [];
    for (let start = 0; start < STARTS; start++) outcomes.push(await run(stampede, start, at));
    rows.push(rowOf(stampede, outcomes));
    console.log(rows.at(-1));
  }
  const delays = `SQL ${SQL_MS} ms, Redis ${REDIS_MS} ms`;
  show(`${CLIENTS} clients at once, ${ISOLATES} isolates, ${STARTS} starts; ${delays}`, rows);
  save("stampede", { clients: CLIENTS, isolates: ISOLATES, starts: STARTS, delays, rows });
  if (rows.some(({ verdict }) => verdict === "too many queries")) process.exitCode = 1;
} finally {
  await services.close();
}
