import type { TakeRequest } from "../ratelimit/ledger.ts";
import type { OwnAlgorithm } from "../ratelimit/behaviour.ts";
import type { GivenBack, Taken } from "./ledger-table.ts";

/** The methods that isolates call. */
export interface LedgerRpc {
  take(algorithm: OwnAlgorithm, take: TakeRequest): Promise<Taken>;
  giveBack(algorithm: OwnAlgorithm, given: GivenBack): Promise<Taken>;
  forget(algorithm: OwnAlgorithm, keys: readonly string[]): Promise<void>;
  /** Does nothing. The breaker calls it to learn whether the object answers again. */
  ping(): Promise<void>;
}
