/**
 * Measures the warm-up with 50 ms to the database and 1 ms to Redis, served by workerd: batches of 100
 * users, and the hottest rows, as after a flush.
 */
import { bundle } from "../dev/bundle.ts";
import { forkServices } from "../dev/services-process.ts";
import { save, show, type Row } from "./support/report.ts";
import { quantile } from "./support/time.ts";
import { startDataCentre } from "./tiers/runtime.ts";

const SQL_MS = 50;
const REDIS_MS = 1;
const RUNS = 20;
const USERS = 100;
const ADMIN = "bench-admin-token-0123456789";

interface Counts {
  readonly redis: { readonly requests: number };
  readonly sql: { readonly queries: number };
}

const services = await forkServices();
const centre = await startDataCentre(bundle("wrangler.toml"), {
  isolates: 1,
  objects: true,
  bindings: {
    DATABASE_URL: services.databaseUrl,
    NEON_ENDPOINT: services.sqlEndpoint,
    UPSTASH_REDIS_REST_URL: services.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: services.redisToken,
    ADMIN_TOKEN: ADMIN,
    STRATA_LOG: "off",
    STRATA_DEV: "1",
  },
});

async function post(path: string, body: object): Promise<string> {
  const response = await fetch(`${centre.urls[0]}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return text.trim().split("\n").at(-1) ?? "";
}

const counts = async (): Promise<Counts> =>
  (await (await fetch(`${services.url}/counts`)).json()) as Counts;

interface Run {
  readonly ms: number;
  readonly redis: number;
  readonly sql: number;
  readonly last: string;
}

async function measure(body: object): Promise<Run> {
  await fetch(`${services.url}/counts/reset`, { method: "POST" });
  const startedAt = performance.now();
  const last = await post("/admin/warm", body);
  const ms = performance.now() - startedAt;
  const { redis, sql } = await counts();
  return { ms, redis: redis.requests, sql: sql.queries, last };
}

function rowOf(warmed: string, runs: readonly Run[]): Row {
  const times = runs.map(({ ms }) => ms);
  return {
    warmed,
    runs: runs.length,
    "median, ms": Math.round(quantile(times, 0.5)),
    "longest, ms": Math.round(Math.max(...times)),
    "SQL queries": quantile(
      runs.map(({ sql }) => sql),
      0.5,
    ),
    "Redis requests": quantile(
      runs.map(({ redis }) => redis),
      0.5,
    ),
    result: runs.at(-1)?.last ?? "",
  };
}

try {
  for (const [service, latencyMs] of [
    ["sql", SQL_MS],
    ["redis", REDIS_MS],
  ] as const) {
    const body = JSON.stringify({ latencyMs });
    const response = await fetch(`${services.url}/faults/${service}`, { method: "PUT", body });
    if (!response.ok) throw new Error(await response.text());
  }
  const users: Run[] = [];
  const hottest: Run[] = [];
  await measure({ kind: "users", ids: [1] });
  for (let run = 0; run < RUNS; run++) {
    const ids = Array.from({ length: USERS }, (_, at) => 1 + run * USERS + at);
    users.push(await measure({ kind: "users", ids }));
  }
  for (let run = 0; run < RUNS; run++) {
    await post("/admin/purge", { everything: true });
    hottest.push(await measure({ kind: "hottest" }));
  }
  const rows = [rowOf(`${USERS} users`, users), rowOf("the hottest rows", hottest)];
  show(`Warm-ups of cold keys with SQL ${SQL_MS} ms and Redis ${REDIS_MS} ms`, rows);
  save("warm", { rows });
} finally {
  await centre.close();
  await services.close();
}
