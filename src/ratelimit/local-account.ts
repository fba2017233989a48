/**
 * An account as one isolate knows it: the last state that the ledger reported, the tokens given
 * since, and a refusal.
 */
import type { EpochMs } from "../core/time.ts";
import { emptyBucket, type Bucket } from "./bucket.ts";
import type { Account } from "./ledger.ts";
import type { Balance, Window } from "./window.ts";

export interface LocalAccount extends Account {
  /** The state in the ledger's last answer, in the ledger's time. It is empty before the first answer. */
  buckets: readonly Bucket[];
  /** The ledger's time of that state. An answer with an earlier time is not applied. */
  bucketsAt: EpochMs;
  /** Tokens given on credit and not sent to the ledger yet. */
  debt: number;
  /** The instants at which the first and the last token of the debt were given, by the isolate's clock. */
  debtSince: EpochMs;
  debtUntil: EpochMs;
  /** Tokens given on credit that a call now carries to the ledger. The call has not ended yet. */
  unconfirmed: number;
  /** Tokens that requests now ask the ledger for. The ledger may grant fewer. */
  requested: number;
  /** The calls to the ledger that include this account and have not ended. */
  calls: readonly Promise<unknown>[];
  refusal: Refusal | undefined;
  /**
   * The account gives no credit before this instant, because requests wait to ask the ledger and
   * later requests must not overtake them.
   */
  noCreditUntil: EpochMs;
  /** True after a use. It becomes false when the account reaches the front of the eviction order. */
  recentlyUsed: boolean;
}

/** A refusal of the ledger. The isolate remembers it until tokens are left again. */
export interface Refusal {
  /** The instant of the refusal by the isolate's clock. Only its difference to another instant is used. */
  readonly since: EpochMs;
  readonly until: EpochMs;
  /** The tokens that were asked for and refused. A request for fewer tokens may still fit. */
  readonly cost: number;
  /** The balances in the ledger's answer. */
  readonly balances: readonly Balance[];
}

export function createLocalAccount(
  key: string,
  windows: readonly Window[],
  now: EpochMs,
): LocalAccount {
  return {
    key,
    windows,
    buckets: windows.map(() => emptyBucket(now)),
    bucketsAt: -Infinity,
    debt: 0,
    debtSince: now,
    debtUntil: now,
    unconfirmed: 0,
    requested: 0,
    calls: [],
    refusal: undefined,
    noCreditUntil: -Infinity,
    recentlyUsed: false,
  };
}

/**
 * Gives an account other windows, because the caller's plan has changed. Buckets of windows with
 * the same width are kept. The object itself is changed, because calls that have not ended refer to
 * it.
 */
export function replaceWindows(
  account: LocalAccount,
  windows: readonly Window[],
  now: EpochMs,
): LocalAccount {
  const previous = account.windows;
  const buckets = windows.map(({ widthMs }) => {
    const index = previous.findIndex((window) => window.widthMs === widthMs);
    return account.buckets[index] ?? emptyBucket(now);
  });
  return Object.assign(account, { windows, buckets, refusal: undefined });
}
