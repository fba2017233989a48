/** The functions that both tables of the ledger in SQLite share. */
import type { EpochMs } from "../core/time.ts";
import type { Charge, TakeRequest, TakeResult } from "../ratelimit/ledger.ts";

/** A result without what the isolate computes from the buckets. */
export interface Taken extends Omit<TakeResult, "balances">, Partial<Pick<TakeResult, "balances">> {
  /** The rows that a full table deleted before their time. */
  readonly evicted?: number;
}

/** Tokens of requests that another object has refused. */
export interface GivenBack {
  readonly charges: readonly Charge[];
  /** The tokens that each request asks for. */
  readonly cost: number;
  /** The tokens of each account. */
  readonly tokens: number;
  /** The instant of the charge, by the clock of the object. */
  readonly chargedAt: EpochMs;
}

/** The accounts of one algorithm. Each method must run inside a transaction. */
export interface LedgerTable {
  take(take: TakeRequest, now: EpochMs): Taken;
  giveBack(given: GivenBack, now: EpochMs): void;
  forget(keys: readonly string[]): void;
  /** Deletes at most `limit` rows that count no longer. Returns whether there may be more. */
  removeExpired(now: EpochMs, limit: number): boolean;
  isEmpty(): boolean;
}
