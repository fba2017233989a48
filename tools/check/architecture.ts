/**
 * The rules for the structure of the code, as tables. `imports.ts` reads the sources and applies
 * them.
 *
 * A place is a room of `src` ("core"), a file in a room ("redis/client.ts"), or a file of `src`
 * itself ("compose.ts"). A room may always import itself. An import of types counts as an import.
 */

/** The rooms of the caching layer. They do not depend on the reference application. */
const LAYER = [
  "core",
  "engine",
  "tiers",
  "redis",
  "durable",
  "live",
  "http",
  "ratelimit",
  "sessions",
  "resilience",
  "cron",
  "writes",
  "telemetry",
  "origin",
  "answers",
  "data",
] as const;

/**
 * The places that each place may import besides itself. A place that is not listed may not exist.
 */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  engine: ["core"],
  tiers: ["core"],
  redis: ["core"],
  live: ["core"],
  durable: [
    "core",
    "live",
    "ratelimit/behaviour.ts",
    "ratelimit/bucket.ts",
    "ratelimit/ledger.ts",
    "ratelimit/log-account.ts",
    "ratelimit/window.ts",
  ],
  resilience: ["core"],
  cron: ["core"],
  telemetry: ["core"],
  origin: ["core"],
  http: ["core", "engine", "live"],
  ratelimit: ["core", "engine", "redis/client.ts", "redis/script-runner.ts"],
  sessions: ["core"],
  writes: ["core", "engine"],
  answers: ["core", "engine"],
  data: [
    "core",
    "engine",
    "config/option-reader.ts",
    "resilience/fixed-slots.ts",
    "tiers/eviction",
    "writes/through.ts",
  ],
  adapters: [
    "core",
    "engine",
    "data",
    "answers",
    "redis",
    "resilience",
    "platform.ts",
    "compose/open-cache.ts",
    "compose/data-parts.ts",
    "compose/local-answers.ts",
    "compose/store-guard.ts",
    "config/option-reader.ts",
  ],
  api: ["index.ts"],
  dashboard: ["index.ts"],
  front: ["index.ts", "dashboard/page-assets.ts"],
  config: ["core", "tiers/eviction/choice.ts"],
  "config.ts": ["config", "core", "telemetry/settings.ts"],
  "platform.ts": ["core"],
  "keep-alive.ts": ["core"],
  "strata.ts": [...LAYER, "config.ts"],
  "internals.ts": ["core", "engine", "strata.ts"],
  "compose.ts": [
    ...LAYER,
    "config",
    "config.ts",
    "compose",
    "keep-alive.ts",
    "platform.ts",
    "strata.ts",
    "internals.ts",
  ],
  compose: [...LAYER, "config", "config.ts", "keep-alive.ts", "platform.ts"],
  "durable-objects.ts": [...LAYER, "config", "config.ts", "platform.ts"],
  entries: [
    ...LAYER,
    "adapters",
    "config",
    "config.ts",
    "compose",
    "compose.ts",
    "durable-objects.ts",
    "platform.ts",
    "strata.ts",
  ],
  "index.ts": [
    ...LAYER,
    "config",
    "config.ts",
    "compose.ts",
    "durable-objects.ts",
    "platform.ts",
    "strata.ts",
  ],
  "worker.ts": ["index.ts", "api", "dashboard", "front"],
};

/** The places that may import a package (or a module of the platform). A package that is not listed may not be imported. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  hono: [
    "http",
    "ratelimit",
    "sessions",
    "api",
    "dashboard",
    "front",
    "strata.ts",
    "compose/data-limits.ts",
    "compose/hono-layer.ts",
    "compose/proxy-layer.ts",
  ],
  "cloudflare:workers": ["durable", "keep-alive.ts"],
  "node:async_hooks": ["engine", "telemetry"],
  "@opentelemetry/api": ["telemetry"],
  "@opentelemetry/otlp-transformer": ["telemetry"],
  "@opentelemetry/resources": ["telemetry"],
  "@opentelemetry/sdk-metrics": ["telemetry"],
  "@opentelemetry/sdk-trace": ["telemetry"],
  "drizzle-orm": [
    "origin",
    "writes",
    "api",
    "adapters/drizzle.ts",
    "adapters/drizzle-execution.ts",
    "adapters/drizzle-values.ts",
  ],
  unstorage: ["adapters/unstorage.ts"],
  "@neondatabase/serverless": ["origin", "writes", "api"],
  "@upstash/redis": ["redis", "ratelimit"],
  "@upstash/ratelimit": ["redis", "ratelimit"],
  "eventsource-parser": ["answers"],
  zod: ["core", "config", "http", "api", "dashboard"],
};

/**
 * The only places that read the clock or randomness. All others receive a `Clock` and a `Random`.
 */
export const IMPURE = {
  places: ["platform.ts", "worker.ts"],
  members: {
    Date: ["now"],
    Math: ["random"],
    performance: ["now", "timeOrigin"],
    crypto: ["randomUUID", "getRandomValues"],
  } as Readonly<Record<string, readonly string[]>>,
} as const;

/** The only places that re-export: the public API of the layer, and the entries of the package. */
export const REEXPORTERS: readonly string[] = ["src/index.ts", "src/entries/"];

/** Names that say nothing about the content of a folder or file. */
export const NAMELESS = ["utils", "util", "helpers", "helper", "misc", "common"] as const;

/** The folders in which circular imports, re-exports and empty names are errors. */
export const TREES = ["src", "dev", "drizzle", "tools", "bench"] as const;
