/** The account book of all identities, as the rest of the limiter sees it. */
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Bucket } from "./bucket.ts";
import type { Window } from "./window.ts";

/** One identity under one policy, and its windows. */
export interface Account {
  /** `<policy>:<kind>:<value>`; unique in a namespace. */
  readonly key: string;
  readonly windows: readonly Window[];
}

/** An account to be charged. */
export interface Charge extends Account {
  /** Tokens that were used on credit. They are charged whatever is left. */
  readonly debt: number;
  /** How long ago they were used. */
  readonly debtAgeMs: Millis;
}

export interface Take {
  readonly charges: readonly Charge[];
  /** Tokens a request. */
  readonly cost: number;
  /** How many requests ask at once. As many pass as all accounts have room for. */
  readonly requests: number;
}

/** What one window has left. */
export interface Balance {
  readonly window: Window;
  readonly remaining: number;
  /** How long until there is more than that; 0 if nothing is used. */
  readonly resetMs: Millis;
  /** How long until the cost that was asked for fits; 0 if it does. */
  readonly waitMs: Millis;
}

export interface Taken {
  /** How many of the requests pass. */
  readonly admitted: number;
  /** The ledger's own time. */
  readonly now: EpochMs;
  /** One list an account, one balance a window, after the charge. */
  readonly balances: readonly (readonly Balance[])[];
  /** The state behind the balances, for ledgers that count in buckets. */
  readonly buckets?: readonly (readonly Bucket[])[];
}

/**
 * Charges all of a request's accounts or none, at one instant of the ledger's own
 * clock. One attempt: a call whose outcome is unknown must not be repeated.
 */
export interface Ledger {
  take(take: Take, ctx: Context): Promise<Result<Taken>>;
  /** What is left, without a charge. */
  peek(accounts: readonly Account[], ctx: Context): Promise<Result<Taken>>;
  /** Forgets everything that was charged. */
  forget(accounts: readonly Account[], ctx: Context): Promise<Result<void>>;
}
