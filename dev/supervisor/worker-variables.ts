import { randomBytes } from "node:crypto";
import { chmodSync, writeFileSync } from "node:fs";
import type { ServiceAddresses } from "../services.ts";

/**
 * Returns the variables of a Worker that uses the local services. The environment's values take
 * precedence. A remote database or Redis replaces all variables of the local one, so that remote
 * and local values never mix.
 */
export function localVariables(
  services: ServiceAddresses,
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return {
    ...(given["DATABASE_URL"] === undefined
      ? { DATABASE_URL: services.databaseUrl, NEON_ENDPOINT: services.sqlEndpoint }
      : {}),
    ...(given["UPSTASH_REDIS_REST_URL"] === undefined
      ? { UPSTASH_REDIS_REST_URL: services.redisUrl, UPSTASH_REDIS_REST_TOKEN: services.redisToken }
      : {}),
    ...(given["LLM_BASE_URL"] === undefined
      ? { LLM_BASE_URL: services.modelUrl, LLM_MODEL: "stand-in", LLM_API_KEY: "local" }
      : {}),
    ADMIN_TOKEN: randomBytes(16).toString("hex"),
    OTEL_EXPORTER_OTLP_ENDPOINT: services.otlpEndpoint,
    OTEL_TRACES_SAMPLER: "always_on",
    // Short enough to watch while developing.
    OTEL_METRIC_EXPORT_INTERVAL: "10000",
    // The receiver and the dashboard show the same data; a terminal would overflow.
    STRATA_LOG: "off",
    STRATA_TRACE_KEYS: "plain",
    ...given,
    STRATA_DEV: "1",
  };
}

/**
 * Writes variables as a file that wrangler reads (`--env-file`, `.dev.vars`), readable by its owner
 * only. On a command line every user of the machine could read them. Throws for a value that such a
 * file cannot hold.
 */
export function writeVariables(file: string, variables: Readonly<Record<string, string>>): void {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${quote(name, value)}\n`);
  writeFileSync(file, lines.join(""), { mode: 0o600 });
  // The mode above applies only to a new file.
  chmodSync(file, 0o600);
}

/**
 * Quotes a value with a quotation mark that it does not contain, because dotenv has no escapes
 * inside quotes.
 */
function quote(name: string, value: string): string {
  const mark = ["'", '"', "`"].find((candidate) => !value.includes(candidate));
  if (mark === undefined || (mark === '"' && value.includes("\\"))) {
    throw new Error(
      `${name} mixes every kind of quotation mark, which a variables file cannot hold`,
    );
  }
  // wrangler expands $NAME inside any quotes.
  return mark + value.replaceAll("$", String.raw`\$`) + mark;
}
