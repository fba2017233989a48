/** The port to the ledger: the store of all accounts. */
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Bucket } from "./bucket.ts";
import type { Balance, Window } from "./window.ts";

/** The tokens that one identity has used under one rate limit. */
export interface Account {
  /** The key `<policy>:<kind>:<value>`, which is unique in a namespace. */
  readonly key: string;
  readonly windows: readonly Window[];
}

/** An account that a call charges. */
export interface Charge extends Account {
  /** Tokens that an isolate gave on credit. They are charged whether or not they fit. */
  readonly debt: number;
  /** The milliseconds since the tokens of the debt were used. */
  readonly debtAgeMs: Millis;
}

export interface TakeRequest {
  readonly charges: readonly Charge[];
  /** The tokens that each request asks for. */
  readonly cost: number;
  /** The number of requests that ask in this call. The ledger admits as many of them as fit into all accounts. */
  readonly requests: number;
}

export interface TakeResult {
  /** The number of requests that the ledger admits. */
  readonly admitted: number;
  /** The time of the ledger's own clock. */
  readonly now: EpochMs;
  /** The balances after the charge: for each account, one for each of its windows. */
  readonly balances: readonly (readonly Balance[])[];
  /** The buckets from which the balances are computed; absent for algorithms without buckets. */
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
