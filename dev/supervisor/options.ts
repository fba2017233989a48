/** Variables that are passed on to the Worker, in addition to those with the prefixes. */
const WORKER_VARIABLES = [
  "DATABASE_URL",
  "NEON_ENDPOINT",
  "UPSTASH_REDIS_REST_URL",
  "UPSTASH_REDIS_REST_TOKEN",
  "ADMIN_TOKEN",
  "ADMIN_TOKENS",
  "API_KEYS",
  "CLIENT_ADDRESS_HEADER",
  "DEPLOYMENT_ID",
] as const;
const WORKER_PREFIXES = /^(?:CORS|ORIGIN|OTEL|LLM|CHAT|STRATA)_/;

const DEFAULT_PORT = 8787;
const DEFAULT_SERVICES_PORT = 8790;
const DEFAULT_CRON_SECONDS = 60;
const MAX_PORT = 65_535;
const MAX_INSTANCES = 16;

export interface SupervisorOptions {
  /** Port of the first Worker instance. Further instances use the next ports. */
  readonly port: number;
  readonly instances: number;
  readonly servicesPort: number;
  readonly redis: string;
  readonly postgres: string;
  readonly seed: boolean;
  readonly keep: boolean;
  /** Seconds between two calls of the cron handler. 0 disables the calls. */
  readonly cronSeconds: number;
  /** Variables of the Worker that the environment sets. */
  readonly workerVariables: Readonly<Record<string, string>>;
}

/** Thrown for an environment with invalid values. The message names each of them. */
export class InvalidEnvironment extends Error {
  override readonly name = "InvalidEnvironment";
}

/**
 * Reads the variables of `npm run dev` and `npm run services`. Their defaults are here only. Throws
 * {@link InvalidEnvironment}, which lists all invalid values.
 */
export function readOptions(env: Readonly<Record<string, string | undefined>>): SupervisorOptions {
  const problems: string[] = [];
  const integer = (name: string, fallback: number, min: number, max: number): number => {
    const text = env[name];
    if (text === undefined || text === "") return fallback;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    problems.push(`${name} is "${text}"; it should be a whole number from ${min} to ${max}`);
    return fallback;
  };
  const flag = (name: string): boolean => {
    const text = env[name] ?? "";
    if (text === "" || text === "0") return false;
    if (text === "1") return true;
    problems.push(`${name} is "${text}"; it should be 1 or not set`);
    return false;
  };
  const oneOf = (name: string, fallback: string, allowed: RegExp, expected: string): string => {
    const text = env[name] || fallback;
    if (!allowed.test(text)) problems.push(`${name} is "${text}"; it should be ${expected}`);
    return text;
  };

  const instances = integer("INSTANCES", 1, 1, MAX_INSTANCES);
  const options: SupervisorOptions = {
    port: integer("PORT", DEFAULT_PORT, 1, MAX_PORT - instances + 1),
    instances,
    servicesPort: integer("SERVICES_PORT", DEFAULT_SERVICES_PORT, 1, MAX_PORT),
    redis: oneOf(
      "LOCAL_REDIS",
      "auto",
      /^(?:auto|embedded|server|rediss?:\/\/.+)$/,
      "auto, embedded, server or redis://...",
    ),
    postgres: oneOf(
      "LOCAL_POSTGRES",
      "embedded",
      /^(?:embedded|postgres(?:ql)?:\/\/.+)$/,
      "embedded or postgres://...",
    ),
    seed: !flag("NO_SEED"),
    keep: flag("KEEP"),
    cronSeconds: integer("CRON_SECONDS", DEFAULT_CRON_SECONDS, 0, 86_400),
    workerVariables: workerVariables(env),
  };
  if (
    options.servicesPort >= options.port &&
    options.servicesPort < options.port + options.instances
  ) {
    problems.push(
      `SERVICES_PORT is ${options.servicesPort}, which is also the port of Worker instance ${options.servicesPort - options.port + 1}`,
    );
  }
  if (problems.length > 0) throw new InvalidEnvironment(problems.join("\n"));
  return options;
}

function workerVariables(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const wanted =
      (WORKER_VARIABLES as readonly string[]).includes(name) || WORKER_PREFIXES.test(name);
    if (wanted && value !== undefined && value !== "") found[name] = value;
  }
  return found;
}
