/** Rate limits for a Hono application that uses the data cache. */
import type { Context as HonoContext } from "hono";
import { PLATFORM_ADDRESS_HEADER } from "../core/client-address.ts";
import { DefinitionError } from "../core/faults.ts";
import { SessionsUnavailable } from "../core/sessions.ts";
import type { Strata } from "../data/strata.ts";
import type { StrataEnv } from "../http/routes/request-scope.ts";
import { apiKeys, parseApiKeys } from "../ratelimit/api-keys.ts";
import type { AlgorithmName } from "../ratelimit/behaviour.ts";
import { createIdentities, type User } from "../ratelimit/identity.ts";
import type { Ledger } from "../ratelimit/ledger.ts";
import { createRateLimits, type RateLimits } from "../ratelimit/rate-limits.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { dataPartsOf } from "./data-parts.ts";
import type { LedgerSource } from "./ledger-source.ts";
import { LIMIT_PORTS } from "./limit-ports.ts";

/** The options of `rateLimits`. */
export interface RateLimitSetup {
  /** The store of the accounts: `durableLedger(…)` of the entry `strata/durable`, or `redisLedger(…)` of `strata/redis`. */
  readonly ledger: LedgerSource;
  /**
   * The request field with the address of the client. The network in front of the Worker must set it, and overwrite
   * what a client sends. @default "CF-Connecting-IP"
   */
  readonly addressHeader?: string;
  /** Users by the SHA-256 of their API key: `<sha-256 in hex> <user> [plan]`, separated by commas. @default no users */
  readonly apiKeys?: string;
  /**
   * Returns the user of a request without a known API key, for limiters with the option `sessions`. It must not
   * believe what a client can make up. @default no user
   */
  readonly sessionUser?: (c: HonoContext<StrataEnv>) => Promise<User | undefined>;
  /** The maximum number of accounts that one isolate remembers for each algorithm. @default 10000 */
  readonly maxAccounts?: number;
  /** For development: requests from a loopback address are not counted by address, and every API key is a user. @default false */
  readonly development?: boolean;
}

const MAX_ACCOUNTS = 10_000;
const MOST_ACCOUNTS = 1_000_000;

/**
 * Makes the rate limits of a Hono application that uses `middleware`. Their accounts are in a ledger that all
 * isolates share. docs/rate-limits.md describes limiters.
 *
 * @throws {DefinitionError} that names the wrong option
 * @example
 * import { env } from "cloudflare:workers";
 * import { Hono } from "hono";
 *
 * const strata = createStrata({ namespace: "shop" });
 * const { rateLimit } = rateLimits(strata, { ledger: durableLedger(env.LEDGER) });
 * const app = new Hono<StrataEnv>();
 * app.use(middleware(strata, app));
 * app.use(rateLimit({ ip: "100/1m", mode: "fast" }));
 */
export function rateLimits(strata: Strata, setup: RateLimitSetup): RateLimits<StrataEnv> {
  const { ledger, addressHeader = PLATFORM_ADDRESS_HEADER, sessionUser } = setup;
  const { maxAccounts = MAX_ACCOUNTS, development = false } = setup;
  if (!Number.isSafeInteger(maxAccounts) || maxAccounts < 1 || maxAccounts > MOST_ACCOUNTS)
    throw new DefinitionError("maxAccounts", `must be a whole number from 1 to ${MOST_ACCOUNTS}`);
  let opened: ReturnType<LedgerSource["open"]> | undefined;
  const open = () => (opened ??= openLedger(strata, ledger));

  return createRateLimits<StrataEnv>({
    ...LIMIT_PORTS,
    ledgerOf(algorithm) {
      ledger.checkAlgorithm(algorithm);
      return openedLater(() => open()(algorithm));
    },
    identities: createIdentities({
      addressHeader,
      localIsFree: development,
      users: [apiKeys({ users: parseApiKeys(setup.apiKeys ?? ""), acceptAny: development })],
      ...(sessionUser && {
        // Without the store of sessions, a request counts as one without a user.
        sessionUser: async (c: HonoContext<StrataEnv>) => {
          try {
            return await sessionUser(c);
          } catch (error) {
            if (!(error instanceof SessionsUnavailable)) throw error;
            return undefined;
          }
        },
      }),
    }),
    timeoutMs: ledger.timeoutMs,
    maxAccounts,
  });
}

function openLedger(strata: Strata, ledger: LedgerSource): (algorithm: AlgorithmName) => Ledger {
  const { emit, platform } = dataPartsOf(strata);
  const { now, random, newId } = platform;
  return ledger.open({ namespace: strata.namespace, newId, now, random, withTimeout, emit });
}

/** A ledger that opens at its first call: workerd has no clock while it loads the module that defines a limiter. */
function openedLater(open: () => Ledger): Ledger {
  let opened: Ledger | undefined;
  const ledger = (): Ledger => (opened ??= open());
  return {
    take: (take, ctx) => ledger().take(take, ctx),
    peek: (accounts, ctx) => ledger().peek(accounts, ctx),
    forget: (accounts, ctx) => ledger().forget(accounts, ctx),
  };
}
