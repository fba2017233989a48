import { randomBytes } from "node:crypto";
import { chmodSync, writeFileSync } from "node:fs";
import type { Services } from "../services.ts";

/**
 * The variables of a Worker that runs beside the local services. What the environment sets wins,
 * and a remote database or Redis comes whole: its address is never mixed with local parts.
 */
export function localVariables(
  services: Services,
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return {
    ...(given["DATABASE_URL"] === undefined
      ? { DATABASE_URL: services.databaseUrl, NEON_ENDPOINT: services.sqlEndpoint }
      : {}),
    ...(given["UPSTASH_REDIS_REST_URL"] === undefined
      ? { UPSTASH_REDIS_REST_URL: services.redisUrl, UPSTASH_REDIS_REST_TOKEN: services.redisToken }
      : {}),
    ADMIN_TOKEN: randomBytes(16).toString("hex"),
    OTEL_EXPORTER_OTLP_ENDPOINT: services.otlpEndpoint,
    OTEL_TRACES_SAMPLER: "always_on",
    // Often enough to be looked at while one works.
    OTEL_METRIC_EXPORT_INTERVAL: "10000",
    // The receiver and the dashboard show the same; a terminal would drown in it.
    STRATA_LOG: "off",
    STRATA_TRACE_KEYS: "plain",
    ...given,
    STRATA_DEV: "1",
  };
}

/**
 * Writes variables as a file that wrangler reads (`--env-file`, `.dev.vars`), for its owner only:
 * a command line would show them to everyone on the machine.
 * Throws for a value that such a file cannot hold.
 */
export function writeVariables(file: string, variables: Readonly<Record<string, string>>): void {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${quote(name, value)}\n`);
  writeFileSync(file, lines.join(""), { mode: 0o600 });
  // The mode above only counts for a file that is new.
  chmodSync(file, 0o600);
}

/** dotenv has no escapes inside quotes: a value takes a kind of quote that it does not contain. */
function quote(name: string, value: string): string {
  const mark = ["'", '"', "`"].find((candidate) => !value.includes(candidate));
  if (mark === undefined || (mark === '"' && value.includes("\\"))) {
    throw new Error(
      `${name} mixes every kind of quotation mark, which a variables file cannot hold`,
    );
  }
  // Inside any quotes wrangler still expands $NAME.
  return mark + value.replaceAll("$", String.raw`\$`) + mark;
}
