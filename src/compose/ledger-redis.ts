import { duration, readOptions, type OptionTable } from "../config/option-reader.ts";
import type { Duration } from "../core/duration.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";
import { isOwnAlgorithm, type AlgorithmName, type OwnAlgorithm } from "../ratelimit/behaviour.ts";
import {
  reportRedisCall,
  withLedgerBreaker,
  withLedgerReport,
} from "../ratelimit/ledger-breaker.ts";
import { createRedisLedger } from "../ratelimit/redis-ledger.ts";
import { attempt, createRedis } from "../redis/client.ts";
import { credentialProblems } from "../redis/credentials.ts";
import type { LedgerSource } from "./ledger-source.ts";
import {
  BREAKER_RULES,
  guardLedger,
  type BreakerOptions,
  type BreakerSettings,
} from "./store-guard.ts";

/** The options of `redisLedger`. */
export interface RedisLedgerSetup {
  /** The URL of the Upstash REST API, or of a server with the same protocol. */
  readonly url: string;
  /** The token of the REST API. */
  readonly token: string;
  /** Time limit of one request. @default "1s" */
  readonly timeout?: Duration;
  /**
   * The circuit breaker of the ledger. A slow request does not count. The breaker of `redis()` is another
   * one. @default those of `BreakerOptions`
   */
  readonly breaker?: BreakerOptions;
}

type Own = Pick<RedisLedgerSetup, "timeout">;

const RULES: OptionTable<{ readonly ledger: Own; readonly breaker?: BreakerOptions }> = {
  ledger: { timeout: duration("1s", 1, 60_000) },
  breaker: BREAKER_RULES,
};

interface Settings {
  readonly ledger: { readonly timeoutMs: Millis };
  readonly breaker: BreakerSettings;
}

/**
 * Makes the ledger of rate limits in Upstash Redis, for `rateLimits` of the entry `strata/hono`. A request takes
 * its tokens from all of its accounts, or from none, in one script. It has the algorithms `sliding-window` and
 * `sliding-log`. The accounts are those of the whole layer (`strata/worker`) with the same namespace.
 *
 * @throws {DefinitionError} that lists every wrong option. It never holds the token.
 * @example
 * import { env } from "cloudflare:workers";
 * import { Hono } from "hono";
 *
 * const database = { url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN };
 * const strata = createStrata({ namespace: "shop", shared: redis(database) });
 * const { rateLimit } = rateLimits(strata, { ledger: redisLedger(database) });
 * const app = new Hono<StrataEnv>();
 * app.use(middleware(strata, app), rateLimit({ ip: "100/1m" }));
 */
export function redisLedger(options: RedisLedgerSetup): LedgerSource {
  const { url, token, breaker: breakerOptions = {}, ...own } = options;
  const { values, problems } = readOptions({ ledger: own, breaker: breakerOptions }, RULES);
  const all = [...credentialProblems(url, token), ...problems];
  if (all.length > 0) throw new DefinitionError("redisLedger", all.join("; "));
  const { ledger, breaker: rules } = values as unknown as Settings;
  const { timeoutMs } = ledger;

  return {
    timeoutMs,
    checkAlgorithm,
    open({ namespace, newId, ...parts }) {
      const client = createRedis({ url, token, timeoutMs });
      const probe = () => attempt(() => client.ping());
      const breaker = guardLedger({ ...parts, breaker: rules, timeoutMs, probe }, "redis");
      return (algorithm) =>
        withLedgerReport(
          withLedgerBreaker(
            createRedisLedger({
              redis: client,
              namespace,
              algorithm: checkAlgorithm(algorithm),
              newId,
            }),
            breaker,
          ),
          reportRedisCall,
        );
    },
  };
}

function checkAlgorithm(algorithm: AlgorithmName): OwnAlgorithm {
  if (!isOwnAlgorithm(algorithm))
    throw new DefinitionError("algorithm", `"${algorithm}" needs the entry strata/worker`);
  return algorithm;
}
