import { choice, count, duration, readOptions, type OptionTable } from "../config/option-reader.ts";
import type { Duration } from "../core/duration.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";
import { createDurableLedger } from "../durable/ledger-port.ts";
import { attemptObject } from "../durable/object-attempt.ts";
import { createObjectBreakers } from "../durable/object-breakers.ts";
import { ledgerStub } from "../durable/stubs.ts";
import { isOwnAlgorithm, type AlgorithmName, type OwnAlgorithm } from "../ratelimit/behaviour.ts";
import { reportObjectCall, withLedgerReport } from "../ratelimit/ledger-breaker.ts";
import type { LedgerSource } from "./ledger-source.ts";
import {
  BREAKER_RULES,
  guardLedger,
  type BreakerOptions,
  type BreakerSettings,
} from "./store-guard.ts";
import { PLACES, type ObjectPlace } from "./object-place.ts";

/** The options of `durableLedger`. */
export interface DurableLedgerOptions {
  /**
   * The number of objects over which the accounts are distributed. With 1, a request takes its tokens from all
   * accounts or from none in one transaction. With more, the objects that have admitted a request that another
   * one refuses give its tokens back. Another number finds none of the accounts. @default 1
   */
  readonly shards?: number;
  /** The place of new objects. By default, the platform creates an object near its first caller. @default "nearest" */
  readonly location?: ObjectPlace;
  /** Time limit of one call. @default "1s" */
  readonly timeout?: Duration;
  /** The circuit breaker of each object. @default those of `BreakerOptions` */
  readonly breaker?: BreakerOptions;
}

type Own = Omit<DurableLedgerOptions, "breaker">;

const RULES: OptionTable<{ readonly ledger: Own; readonly breaker?: BreakerOptions }> = {
  ledger: {
    shards: count(1, 1, 256),
    location: choice("nearest", PLACES),
    timeout: duration("1s", 1, 60_000),
  },
  breaker: BREAKER_RULES,
};

interface Settings {
  readonly ledger: {
    readonly shards: number;
    readonly location: ObjectPlace;
    readonly timeoutMs: Millis;
  };
  readonly breaker: BreakerSettings;
}

/**
 * Makes the ledger of rate limits in Durable Objects, so that they need no Redis. The Worker exports the
 * class `StrataLedger` and binds it. It has the algorithms `sliding-window` and `sliding-log`.
 *
 * @param objects the binding of the class `StrataLedger`
 * @throws {DefinitionError} that lists every wrong option, or says that the binding is missing
 * @example
 * import { env } from "cloudflare:workers";
 * import { Hono } from "hono";
 *
 * export { StrataLedger } from "strata/durable";
 *
 * const strata = createStrata({ namespace: "shop" });
 * const { rateLimit } = rateLimits(strata, { ledger: durableLedger(env.LEDGER) });
 * const app = new Hono<StrataEnv>();
 * app.use(middleware(strata, app), rateLimit({ ip: "100/1m" }));
 */
export function durableLedger(
  objects: DurableObjectNamespace | undefined,
  options: DurableLedgerOptions = {},
): LedgerSource {
  if (objects === undefined) throw new DefinitionError("durableLedger", "the binding is missing");
  const { breaker: breakerOptions = {}, ...own } = options;
  const { values, problems } = readOptions({ ledger: own, breaker: breakerOptions }, RULES);
  if (problems.length > 0) throw new DefinitionError("options", problems.join("; "));
  const { ledger, breaker: rules } = values as unknown as Settings;
  const { shards, location, timeoutMs } = ledger;
  const hint = location === "nearest" ? undefined : location;

  return {
    timeoutMs,
    checkAlgorithm,
    open({ namespace, withTimeout, ...parts }) {
      const stub = (name: string) => ledgerStub(objects, name, hint);
      const breakerOf = createObjectBreakers((name) => {
        const probe = () => attemptObject(() => stub(name).ping(), withTimeout, timeoutMs);
        return guardLedger({ ...parts, breaker: rules, timeoutMs, probe }, "store");
      });
      return (algorithm) =>
        withLedgerReport(
          createDurableLedger({
            stub,
            namespace,
            shards,
            algorithm: checkAlgorithm(algorithm),
            timeoutMs,
            withTimeout,
            breakerOf,
          }),
          reportObjectCall,
        );
    },
  };
}

function checkAlgorithm(algorithm: AlgorithmName): OwnAlgorithm {
  if (!isOwnAlgorithm(algorithm))
    throw new DefinitionError("algorithm", `"${algorithm}" needs Redis`);
  return algorithm;
}
