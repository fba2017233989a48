import type { Config } from "../config.ts";
import type { Breaker } from "../core/breaker.ts";
import type { NewId } from "../core/random.ts";
import { SessionsUnavailable } from "../core/sessions.ts";
import type { StrataEnv } from "../http/routes/request-scope.ts";
import { apiKeys, parseApiKeys } from "../ratelimit/api-keys.ts";
import { createIdentities, type User } from "../ratelimit/identity.ts";
import {
  reportRedisCall,
  withLedgerBreaker,
  withLedgerReport,
} from "../ratelimit/ledger-breaker.ts";
import { createRateLimits, type RateLimits } from "../ratelimit/rate-limits.ts";
import { createAnyRedisLedger } from "../ratelimit/stock-ledger.ts";
import type { RedisClient } from "../redis/client.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import { LIMIT_PORTS } from "./limit-ports.ts";

export interface LimitParts {
  /** The client of the rate limits. Its failures never open the breaker of the cache. */
  readonly redis: RedisClient;
  readonly breaker: Breaker;
  readonly config: Config;
  readonly newId: NewId;
  readonly sessions: Sessions<StrataEnv>;
}

/** Builds the rate limits. */
export function composeLimits({
  redis,
  breaker,
  config,
  newId,
  sessions,
}: LimitParts): RateLimits<StrataEnv> {
  const { namespace, settings } = config;
  return createRateLimits<StrataEnv>({
    ...LIMIT_PORTS,
    ledgerOf: (algorithm) =>
      withLedgerReport(
        withLedgerBreaker(createAnyRedisLedger({ redis, namespace, algorithm, newId }), breaker),
        reportRedisCall,
      ),
    identities: createIdentities({
      addressHeader: config.clientAddressHeader,
      localIsFree: config.dev,
      users: [apiKeys({ users: parseApiKeys(config.apiKeys), acceptAny: config.dev })],
      sessionUser: (c) => sessions.current(c).then(userOf, withoutUser),
    }),
    fields: settings.headers.rateLimit,
    timeoutMs: settings.limits.timeoutMs,
    maxAccounts: settings.limits.maxAccounts,
  });
}

/** A user of an API key and a user of a session may have the same id and be two people. */
function userOf(session: Session | undefined): User | undefined {
  return session && { id: `session:${session.user}` };
}

/** Without Redis, a request counts as one without a user. */
function withoutUser(error: unknown): undefined {
  if (!(error instanceof SessionsUnavailable)) throw error;
}
