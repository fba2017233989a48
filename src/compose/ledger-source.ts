/** The ledger that an application chooses for its rate limits. */
import type { Millis } from "../core/time.ts";
import type { SharedParts } from "../data/shared.ts";
import type { AlgorithmName } from "../ratelimit/behaviour.ts";
import type { Ledger } from "../ratelimit/ledger.ts";

/** A ledger of rate limits. `durableLedger()` of the entry `strata/durable` and `redisLedger()` of the
 * entry `strata/redis` make one. */
export interface LedgerSource {
  /** The time limit of one call of the ledger. */
  readonly timeoutMs: Millis;
  /** Called when a limiter is defined. @throws {DefinitionError} if the ledger does not have the algorithm */
  checkAlgorithm(algorithm: AlgorithmName): void;
  /** Opens the ledger. Each algorithm that passes the check has a ledger of its own. */
  open(parts: SharedParts): (algorithm: AlgorithmName) => Ledger;
}
