import * as z from "zod/mini";
import type { Millis } from "./core/time.ts";
import { readSettings, type TelemetrySettings } from "./telemetry/settings.ts";

/** What the Worker is bound to: wrangler.toml's bindings, variables and secrets. */
export interface Bindings {
  readonly FLIGHTS: DurableObjectNamespace;
  /** Without it there is no /metrics and no dashboard. */
  readonly METRICS?: DurableObjectNamespace;
  /** Without it second invalidations wait for the cron trigger. */
  readonly OUTBOX?: DurableObjectNamespace;
  /** The files of the dashboard. */
  readonly ASSETS?: Fetcher;
  readonly DATABASE_URL?: string;
  readonly NEON_ENDPOINT?: string;
  readonly UPSTASH_REDIS_REST_URL?: string;
  readonly UPSTASH_REDIS_REST_TOKEN?: string;
  readonly ADMIN_TOKEN?: string;
  readonly ORIGIN_URL?: string;
  readonly ORIGIN_AT_ROOT?: string;
  readonly API_KEYS?: string;
  readonly CLIENT_ADDRESS_HEADER?: string;
  readonly STRATA_NAMESPACE?: string;
  readonly STRATA_DEV?: string;
}

/** Everything that can be set, checked and with its defaults. Made once an isolate. */
export interface Config {
  readonly databaseUrl: string;
  readonly neonEndpoint: string | undefined;
  readonly redisUrl: string;
  readonly redisToken: string;
  readonly adminToken: string | undefined;
  /** The HTTP origin that is passed through, and whether it takes the place of the reference API. */
  readonly originUrl: string | undefined;
  readonly originAtRoot: boolean;
  /** Users by the digest of their API key; see ratelimit/api-keys.ts. */
  readonly apiKeys: string;
  /** The header in which the network in front of the Worker tells the client's address. */
  readonly clientAddressHeader: string;
  readonly namespace: string;
  readonly dev: boolean;
  readonly memoryMaxBytes: number;
  readonly memoryMaxEntries: number;
  readonly memoryMaxEntryBytes: number;
  readonly redisTimeoutMs: Millis;
  readonly redisMaxEntryChars: number;
  readonly redisPackFromChars: number;
  readonly edgeMaxEntryChars: number;
  readonly edgeTimeoutMs: Millis;
  readonly sqlTimeoutMs: Millis;
  readonly verifyAfterMs: Millis;
  readonly alarmTimeoutMs: Millis;
  readonly flightShards: number;
  readonly flightGrantMs: Millis;
  readonly flightSlackMs: Millis;
  readonly originSlots: number;
  readonly breakerFailures: number;
  readonly breakerOpenMs: Millis;
  readonly trimSlackMs: Millis;
  readonly limitTimeoutMs: Millis;
  readonly limitMaxAccounts: number;
  readonly telemetry: TelemetrySettings;
  /** What of OTEL_* was ignored, and why. */
  readonly telemetryWarnings: readonly string[];
  readonly telemetryFlushMs: Millis;
  readonly metricsShards: number;
  readonly metricsTimeoutMs: Millis;
  readonly existenceRate: number;
  readonly existenceCoherenceMs: Millis;
  readonly existenceRebuildMs: Millis;
  readonly existenceMaxAgeMs: Millis;
  readonly existenceReloadMs: Millis;
}

const FIXED = {
  // A Worker's isolate has 128 MB for everything.
  memoryMaxBytes: 32 * 1024 * 1024,
  memoryMaxEntries: 20_000,
  memoryMaxEntryBytes: 4 * 1024 * 1024,
  redisTimeoutMs: 1_000,
  // Upstash refuses requests over 10 MB and is slow well before that.
  redisMaxEntryChars: 1_048_576,
  // Measured: docs/benchmarks.md.
  redisPackFromChars: 16_384,
  edgeMaxEntryChars: 8 * 1_048_576,
  edgeTimeoutMs: 500,
  sqlTimeoutMs: 5_000,
  // Longer than a replica lags: a fail-over that loses an invalidation has happened by then.
  verifyAfterMs: 5_000,
  alarmTimeoutMs: 5_000,
  flightShards: 16,
  // A round trip to the region's object, and its start, on a busy machine too.
  flightGrantMs: 1_000,
  flightSlackMs: 1_000,
  originSlots: 64,
  breakerFailures: 3,
  breakerOpenMs: 1_000,
  // A load may begin long before its entry is stored.
  trimSlackMs: 3_600_000,
  limitTimeoutMs: 1_000,
  limitMaxAccounts: 10_000,
  // /metrics shows a request within 5 s.
  telemetryFlushMs: 2_000,
  metricsShards: 4,
  metricsTimeoutMs: 5_000,
  // Of 100 made-up ids one passes.
  existenceRate: 0.01,
  existenceCoherenceMs: 1_000,
  existenceRebuildMs: 300_000,
  existenceMaxAgeMs: 3_600_000,
  existenceReloadMs: 60_000,
} as const;

const postgres = z
  .string("set it to a Neon connection string")
  .check(z.refine((text) => isUrl(text, "postgres:", "postgresql:"), "must be a postgres:// URL"));
const http = z
  .string("set it to an http(s) URL")
  .check(z.refine((text) => isUrl(text, "http:", "https:"), "must be an http(s) URL"));

const API_KEY = /^(?:|[0-9a-f]{64}\s+[\w.@~-]{1,128}(?:\s+[\w.@~-]{1,128})?)$/;

const Variables = z.object({
  DATABASE_URL: postgres,
  NEON_ENDPOINT: z.optional(http),
  UPSTASH_REDIS_REST_URL: http,
  UPSTASH_REDIS_REST_TOKEN: z
    .string("set it to the token of the database")
    .check(z.minLength(1, "must not be empty")),
  ADMIN_TOKEN: z.optional(z.string().check(z.minLength(8, "must have at least 8 characters"))),
  ORIGIN_URL: z.optional(http),
  ORIGIN_AT_ROOT: z.optional(z.enum(["0", "1", ""], "must be 1, or not set")),
  API_KEYS: z.optional(
    z
      .string()
      .check(
        z.refine(
          (text) => text.split(/[,\n]/).every((entry) => API_KEY.test(entry.trim())),
          "must be entries of <sha-256 of the key, in hex> <user> [plan], separated by commas",
        ),
      ),
  ),
  CLIENT_ADDRESS_HEADER: z.optional(
    z.string().check(z.regex(/^[A-Za-z0-9-]{1,64}$/, "must be the name of a header")),
  ),
  STRATA_NAMESPACE: z.optional(
    z.string().check(z.regex(/^[a-z0-9-]{1,32}$/, "must be 1 to 32 of a-z, 0-9 and -")),
  ),
  STRATA_DEV: z.optional(z.string()),
});

/** What is wrong with the Worker's variables, all of it, by name. Holds no value. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`configuration: ${problems.join("; ")}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** @throws {ConfigError} that lists every missing or malformed variable. */
export function readConfig(bindings: Bindings): Config {
  const parsed = Variables.safeParse(bindings);
  const telemetry = readSettings(bindings);
  const problems = [
    ...(parsed.error?.issues ?? []).map((issue) => `${issue.path.join(".")}: ${issue.message}`),
    ...telemetry.problems,
    ...(bindings.ORIGIN_AT_ROOT === "1" && bindings.ORIGIN_URL === undefined
      ? ["ORIGIN_URL: set it to an http(s) URL, since ORIGIN_AT_ROOT is 1"]
      : []),
  ];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  const set = parsed.data;
  return Object.freeze({
    ...FIXED,
    databaseUrl: set.DATABASE_URL,
    neonEndpoint: set.NEON_ENDPOINT,
    redisUrl: set.UPSTASH_REDIS_REST_URL,
    redisToken: set.UPSTASH_REDIS_REST_TOKEN,
    adminToken: set.ADMIN_TOKEN,
    originUrl: set.ORIGIN_URL,
    originAtRoot: set.ORIGIN_AT_ROOT === "1",
    apiKeys: set.API_KEYS ?? "",
    clientAddressHeader: set.CLIENT_ADDRESS_HEADER ?? "CF-Connecting-IP",
    namespace: set.STRATA_NAMESPACE ?? "strata",
    dev: set.STRATA_DEV === "1",
    telemetry: telemetry.settings,
    telemetryWarnings: telemetry.warnings,
  });
}

function isUrl(text: string, ...protocols: string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol);
}
