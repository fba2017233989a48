/**
 * The secondary storage of better-auth in Redis, without the other parts of the layer. It is no cache: a copy in an
 * isolate could let a session live on after its sign-out, and a full tier would end sessions.
 */
import { count, duration, readOptions, type OptionTable } from "../config/option-reader.ts";
import type { Duration } from "../core/duration.ts";
import type { CacheEvent } from "../core/events.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";
import { platform } from "../platform.ts";
import { attempt, createRedis } from "../redis/client.ts";
import { credentialProblems } from "../redis/credentials.ts";
import { createSecondaryStorage, type SecondaryStorage } from "../redis/secondary-storage.ts";
import { createBreaker } from "../resilience/breaker.ts";

/** The options of `secondaryStorage`. */
export interface SecondaryStorageSettings {
  /** The URL of the Upstash REST API, or of a server with the same protocol. */
  readonly url: string;
  /** The token of the REST API. */
  readonly token: string;
  /** Separates applications that share a database: 1 to 64 lower-case letters, digits and hyphens. @default "strata" */
  readonly namespace?: string;
  readonly requests?: {
    /** Time limit of one request. @default "1s" */
    readonly timeout?: Duration;
    /** The lifetime of a value that better-auth sets without one, so that Redis cannot fill up. @default "30d" */
    readonly defaultTtl?: Duration;
    /** After this many failures in a row, requests fail at once for a second. @default 5 */
    readonly failures?: number;
  };
  /** Called with each change of the breaker. @default no call */
  readonly onEvent?: (event: CacheEvent) => void;
}

const DAY_MS = 24 * 3_600_000;

const RULES: OptionTable<Pick<SecondaryStorageSettings, "requests">> = {
  requests: {
    timeout: duration("1s", 1, 60_000),
    defaultTtl: duration("30d", 1_000, 400 * DAY_MS),
    failures: count(5, 1, 1_000),
  },
};

interface Settings {
  readonly requests: {
    readonly timeoutMs: Millis;
    readonly defaultTtlMs: Millis;
    readonly failures: number;
  };
}

const BREAKER = {
  minCalls: 20,
  failureRate: 0.5,
  slowRate: undefined,
  slowMs: Infinity,
  windowMs: 10_000,
  openForMs: 1_000,
  maxOpenForMs: 5_000,
} as const;

/**
 * Makes the secondary storage of better-auth. Each read asks the primary of Redis, so that a session that was ended
 * is found by no isolate. While Redis does not answer, every method throws `SessionsUnavailable`.
 *
 * @throws {DefinitionError} that lists every wrong option. It never holds the token.
 * @example
 * import { betterAuth } from "better-auth";
 *
 * export const createAuth = (env: { REDIS_URL: string; REDIS_TOKEN: string }) =>
 *   betterAuth({
 *     secondaryStorage: secondaryStorage({ url: env.REDIS_URL, token: env.REDIS_TOKEN }),
 *   });
 */
export function secondaryStorage(options: SecondaryStorageSettings): SecondaryStorage {
  const { url, token, namespace = "strata", onEvent = () => undefined, ...rest } = options;
  const { values, problems } = readOptions(rest, RULES);
  const named = /^[a-z0-9-]{1,64}$/.test(namespace)
    ? []
    : ["namespace: must be 1 to 64 lower-case letters, digits and hyphens"];
  const all = [...credentialProblems(url, token), ...named, ...problems];
  if (all.length > 0) throw new DefinitionError("secondaryStorage", all.join("; "));
  const { timeoutMs, defaultTtlMs, failures } = (values as unknown as Settings).requests;

  function build(): SecondaryStorage {
    const redis = createRedis({ url, token, timeoutMs });
    const breaker = createBreaker({
      ...BREAKER,
      failures,
      name: "session",
      dependency: "redis",
      callTimeoutMs: timeoutMs,
      probe: () => attempt(() => redis.ping()),
      now: platform.now,
      random: platform.random,
      onChange: onEvent,
    });
    return createSecondaryStorage({ redis, namespace, breaker, defaultTtlMs });
  }

  // workerd has no clock while it loads modules, so the parts are built at the first use.
  let built: SecondaryStorage | undefined;
  const storage = (): SecondaryStorage => (built ??= build());
  return {
    get: (key) => storage().get(key),
    getAndDelete: (key) => storage().getAndDelete(key),
    set: (key, value, ttl) => storage().set(key, value, ttl),
    delete: (key) => storage().delete(key),
    increment: (key, ttl) => storage().increment(key, ttl),
  };
}
