import { choice, count, duration, readOptions, type OptionTable } from "../config/option-reader.ts";
import type { Duration } from "../core/duration.ts";
import { ENTRY_PARTS } from "../engine/entry-parts.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";
import type { Shared } from "../data/shared.ts";
import { attempt, createRedis } from "../redis/client.ts";
import { credentialProblems } from "../redis/credentials.ts";
import { createRedisStore } from "../redis/store.ts";
import {
  BREAKER_RULES,
  guardStore,
  type BreakerOptions,
  type BreakerSettings,
} from "./store-guard.ts";

/** The options of `redis`. */
export interface RedisStoreOptions {
  /** The URL of the Upstash REST API, or of a server with the same protocol. */
  readonly url: string;
  /** The token of the REST API. */
  readonly token: string;
  /** The requests to Redis. */
  readonly requests?: {
    /** Time limit of one request. @default "1s" */
    readonly timeout?: Duration;
    /** The maximum number of characters of one stored entry. Upstash refuses requests over 10 MB. @default 1048576 (1 Mi) */
    readonly maxEntryChars?: number;
    /**
     * The treatment of an entry over `maxEntryChars`: Redis does not store it, or stores it in up to 16 parts
     * of at most `maxEntryChars`. A read of it sends one more request for every 4 parts. @default "refuse"
     */
    readonly oversize?: "refuse" | "split";
    /** Entries of this many characters or more are compressed. @default 16384 */
    readonly packFromChars?: number;
  };
  /** The circuit breaker of Redis. @default those of `BreakerOptions` */
  readonly breaker?: BreakerOptions;
}

const RULES: OptionTable<Pick<RedisStoreOptions, "requests" | "breaker">> = {
  requests: {
    timeout: duration("1s", 1, 60_000),
    maxEntryChars: count(2 ** 20, 1, 10_000_000),
    packFromChars: count(16_384, 0, 10_000_000),
    oversize: choice("refuse", ["refuse", "split"]),
  },
  breaker: BREAKER_RULES,
};

interface Settings {
  readonly requests: {
    readonly timeoutMs: Millis;
    readonly maxEntryChars: number;
    readonly packFromChars: number;
    readonly oversize: "refuse" | "split";
  };
  readonly breaker: BreakerSettings;
}

/**
 * Makes the shared store in Upstash Redis. Its database holds the entries and the invalidation log of a
 * namespace.
 *
 * @throws {DefinitionError} that lists every wrong option. It never holds the token.
 * @example
 * import { env } from "cloudflare:workers";
 *
 * const strata = createStrata({
 *   shared: redis({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
 * });
 */
export function redis(options: RedisStoreOptions): Shared {
  const { url, token, ...rest } = options;
  const { values, problems } = readOptions(rest, RULES);
  const all = [...credentialProblems(url, token), ...problems];
  if (all.length > 0) throw new DefinitionError("redis", all.join("; "));
  const { requests, breaker } = values as unknown as Settings;

  return {
    open({ namespace, newId, ...parts }) {
      const { timeoutMs, maxEntryChars, packFromChars, oversize } = requests;
      const client = createRedis({ url, token, timeoutMs });
      const store = createRedisStore({
        redis: client,
        namespace,
        newId,
        maxEntryChars,
        packFromChars,
        splits: oversize === "split",
      });
      const probe = () => attempt(() => client.ping());
      return {
        store: guardStore(store, { ...parts, breaker, timeoutMs, probe }),
        timeoutMs,
        maxEntryChars,
        entries: ENTRY_PARTS,
      };
    },
  };
}
