import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { randomBytes } from "node:crypto";
import { createCounts } from "./gateway/counts.ts";
import { createFaults } from "./gateway/faults.ts";
import { createRedisGateway } from "./gateway/redis.ts";
import { createLlmGateway } from "./gateway/llm.ts";
import { createOtlpGateway } from "./gateway/otlp.ts";
import { createSqlGateway } from "./gateway/sql.ts";
import { startGatewayServer } from "./gateway/server.ts";
import type { RedisEngine } from "./redis/engine.ts";
import { findRedisServer, startRedisServer } from "./redis/server-process.ts";
import { createServerEngine } from "./redis/server-engine.ts";
import { createEmbeddedEngine } from "./redis/embedded/engine.ts";
import type { SqlEngine } from "./sql/engine.ts";
import { createPgliteEngine } from "./sql/pglite.ts";
import { createPostgresEngine } from "./sql/postgres.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

export interface ServicesOptions {
  /** Port of the gateways on 127.0.0.1. Default 0: a free port. */
  readonly port?: number;
  /** `auto` (a Redis server on PATH, else embedded), `embedded`, `server`, or `redis://...`. */
  readonly redis?: string;
  /** `embedded` (PGlite) or `postgres://...`. */
  readonly postgres?: string;
  /** Bearer token of the Redis gateway. Default: a random one. */
  readonly token?: string;
  /** Fills the tables after the migration. Default true. */
  readonly seed?: boolean;
  /** Keeps the stored data instead of wiping it. Default false. */
  readonly keep?: boolean;
  /** Folder for the data of the engines that start here. Without it the data is in memory only. */
  readonly dataDir?: string;
  /** Receives a line about each step. */
  readonly log?: (line: string) => void;
  /** Aborts a start, and stops the parts that have started. */
  readonly signal?: AbortSignal;
}

/** The addresses of the local services, for the variables of a Worker. */
export interface ServiceAddresses {
  readonly url: string;
  /** For UPSTASH_REDIS_REST_URL. */
  readonly redisUrl: string;
  /** For UPSTASH_REDIS_REST_TOKEN. */
  readonly redisToken: string;
  /** For NEON_ENDPOINT. */
  readonly sqlEndpoint: string;
  /** For LLM_BASE_URL. */
  readonly modelUrl: string;
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly otlpEndpoint: string;
  /**
   * For DATABASE_URL. The Neon driver accepts its form; NEON_ENDPOINT decides which server answers.
   */
  readonly databaseUrl: string;
}

export interface Services extends ServiceAddresses {
  /** Resolves with a reason if the process of an engine ends by itself. */
  readonly died: Promise<string>;
  /** Stops all services. Further calls do nothing. */
  close(): Promise<void>;
}

type Cleanup = () => Promise<void>;

/**
 * Starts the local services on one loopback port: the protocols of Upstash and Neon over local
 * engines, migrated and seeded. Rejects, with everything stopped, if an engine or the port is not
 * available.
 *
 * @example
 * const services = await startServices({ redis: "embedded" });
 * process.env.UPSTASH_REDIS_REST_URL = services.redisUrl;
 * await services.close();
 */
export async function startServices(options: ServicesOptions = {}): Promise<Services> {
  const cleanups: Cleanup[] = [];
  const close = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  };
  try {
    return await start(options, cleanups, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(
  options: ServicesOptions,
  cleanups: Cleanup[],
  close: Cleanup,
): Promise<Services> {
  const { log = () => undefined, signal, keep = false, dataDir } = options;
  const counts = createCounts();
  const faults = createFaults();
  const token = options.token ?? randomBytes(16).toString("hex");
  if (dataDir !== undefined) {
    if (!keep)
      for (const part of ["postgres", "redis", "redis.json"])
        rmSync(join(dataDir, part), { recursive: true, force: true });
    mkdirSync(dataDir, { recursive: true });
  }

  // Both engines start before the port opens, so that a gateway that answers also works. Both must
  // settle before a failure is reported, so that everything is cleaned up.
  const [redis, sql] = await orAborted(
    Promise.allSettled([startRedis(options, cleanups), startSql(options, cleanups)]),
    signal,
  );
  if (redis.status === "rejected") throw redis.reason;
  if (sql.status === "rejected") throw sql.reason;
  const { engine, died } = redis.value;
  if (!keep) await engine.wipe();
  log(`Redis: ${engine.label}; SQL: ${sql.value.label}`);

  const server = await startGatewayServer({
    port: options.port ?? 0,
    gateways: [
      createRedisGateway({ engine, token, counts }),
      createSqlGateway(sql.value, counts),
      createOtlpGateway(),
      createLlmGateway(),
    ],
    counts,
    faults,
  });
  cleanups.push(() => server.close());
  return {
    url: server.url,
    redisUrl: `${server.url}/redis`,
    redisToken: token,
    sqlEndpoint: `${server.url}/sql`,
    otlpEndpoint: `${server.url}/otlp`,
    modelUrl: `${server.url}/llm/v1`,
    databaseUrl: "postgres://strata:local@127.0.0.1/strata",
    died,
    close,
  };
}

/**
 * Waits for `work` or an abort. PGlite cannot be stopped during its start, so an abort does not
 * wait for it.
 */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

async function startRedis(
  options: ServicesOptions,
  cleanups: Cleanup[],
): Promise<{ engine: RedisEngine; died: Promise<string> }> {
  const { redis: choice = "auto", dataDir, keep = false, signal } = options;
  const never = new Promise<string>(() => undefined);
  if (/^rediss?:\/\//.test(choice)) {
    if (!keep) assertOwnMachine("LOCAL_REDIS", choice);
    const engine = await createServerEngine(choice, "Redis");
    cleanups.push(() => engine.close());
    return { engine, died: never };
  }
  if (!["auto", "embedded", "server"].includes(choice)) {
    throw new Error(
      `LOCAL_REDIS is "${choice}"; it should be auto, embedded, server or redis://...`,
    );
  }
  const file = choice === "embedded" ? undefined : findRedisServer();
  if (file !== undefined) {
    const child = await startRedisServer(file, {
      ...(dataDir === undefined ? {} : { folder: join(dataDir, "redis") }),
      ...(signal === undefined ? {} : { signal }),
    });
    cleanups.push(() => child.stop());
    const engine = await createServerEngine(child.url, child.program);
    cleanups.push(() => engine.close());
    return { engine, died: child.died };
  }
  if (choice === "server")
    throw new Error("LOCAL_REDIS is server, but neither redis-server nor valkey-server is on PATH");
  const engine = createEmbeddedEngine(
    dataDir === undefined ? {} : { file: join(dataDir, "redis.json") },
  );
  cleanups.push(() => engine.close());
  return { engine, died: never };
}

/**
 * Throws if an address is not on this machine: a start wipes the data, and another machine's data
 * is probably in use.
 */
function assertOwnMachine(variable: string, url: string): void {
  const { hostname } = new URL(url);
  if (["", "localhost", "127.0.0.1", "[::1]"].includes(hostname)) return;
  throw new Error(
    `${variable} names ${hostname}, and a start would delete everything in that database. Set KEEP=1 to keep it.`,
  );
}

/** Starts Postgres with its tables: wiped unless kept, migrated, and seeded if empty. */
async function startSql(options: ServicesOptions, cleanups: Cleanup[]): Promise<SqlEngine> {
  const { postgres = "embedded", keep = false, seed = true, log = () => undefined } = options;
  if (postgres !== "embedded" && !/^postgres(ql)?:\/\//.test(postgres)) {
    throw new Error(`LOCAL_POSTGRES is "${postgres}"; it should be embedded or postgres://...`);
  }
  if (!keep && postgres !== "embedded") assertOwnMachine("LOCAL_POSTGRES", postgres);
  const engine =
    postgres === "embedded"
      ? await createPgliteEngine(
          options.dataDir === undefined ? undefined : join(options.dataDir, "postgres"),
        )
      : await createPostgresEngine(postgres);
  cleanups.push(() => engine.close());
  if (!keep && postgres !== "embedded") await engine.wipe();
  const migrations = `${ROOT}drizzle/migrations`;
  if (!existsSync(migrations)) return engine;
  await engine.migrate(migrations);
  if (!seed) return engine;
  const filled = await engine.query({ text: "SELECT EXISTS (SELECT FROM products)", params: [] });
  if (filled.rows[0]?.[0] === "t") return engine;
  const started = performance.now();
  const module = (await import("../drizzle/seed.ts")) as { seed: (db: never) => Promise<void> };
  await engine.seed((db) => module.seed(db as never));
  log(`Seeded in ${Math.round(performance.now() - started)} ms`);
  return engine;
}
