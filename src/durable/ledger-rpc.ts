import type { TakeRequest } from "../ratelimit/ledger.ts";
import type { DurableAlgorithm, GivenBack, Taken } from "./ledger-table.ts";

/** The methods that isolates call. */
export interface LedgerRpc {
  take(algorithm: DurableAlgorithm, take: TakeRequest): Promise<Taken>;
  giveBack(algorithm: DurableAlgorithm, given: GivenBack): Promise<Taken>;
  forget(algorithm: DurableAlgorithm, keys: readonly string[]): Promise<void>;
  /** Does nothing. The breaker calls it to learn whether the object answers again. */
  ping(): Promise<void>;
}
