/** The port to the ledger: the store of all accounts. */
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Bucket } from "./bucket.ts";
import type { Balance, Window } from "./window.ts";

/** The tokens that one identity has used under one rate limit. */
export interface Account {
  /** `<policy>:<kind>:<value>`; unique in a namespace. */
  readonly key: string;
  readonly windows: readonly Window[];
}

/** An account to be charged. */
export interface Charge extends Account {
  /** Tokens that an isolate gave on credit. They are charged even if they do not fit. */
  readonly debt: number;
  /** How long ago they were used. */
  readonly debtAgeMs: Millis;
}

export interface TakeRequest {
  readonly charges: readonly Charge[];
  /** Tokens for each request. */
  readonly cost: number;
  /** How many requests ask at once. The ledger admits as many as all accounts have room for. */
  readonly requests: number;
}

export interface TakeResult {
  /** How many of the requests may pass. */
  readonly admitted: number;
  /** The ledger's own time. */
  readonly now: EpochMs;
  /** For each account, and each of its windows, the balance after the charge. */
  readonly balances: readonly (readonly Balance[])[];
  /** The buckets behind the balances; absent for algorithms that have none. */
  readonly buckets?: readonly (readonly Bucket[])[];
}

/**
 * Charges all accounts of a request or none, at one instant of the ledger's own clock. Each
 * method makes one attempt: repeating a call with an unknown outcome could charge twice.
 */
export interface Ledger {
  take(take: TakeRequest, ctx: Context): Promise<Result<TakeResult>>;
  /** Reads the balances without a charge. */
  peek(accounts: readonly Account[], ctx: Context): Promise<Result<TakeResult>>;
  /** Deletes the accounts. */
  forget(accounts: readonly Account[], ctx: Context): Promise<Result<void>>;
}
