/** An account as one isolate knows it: the ledger's last state, tokens given since, a refusal. */
import type { EpochMs } from "../core/time.ts";
import { emptyBucket, type Bucket } from "./bucket.ts";
import type { Account } from "./ledger.ts";
import type { Balance, Window } from "./window.ts";

export interface LocalAccount extends Account {
  /** The ledger's state at its last answer, in the ledger's time; empty before the first answer. */
  buckets: readonly Bucket[];
  /** The instant of that state. Answers of earlier instants are not applied. */
  bucketsAt: EpochMs;
  /** Tokens given on credit and not sent to the ledger yet. */
  debt: number;
  /** When the first and the last token of the debt were given, by the isolate's clock. */
  debtSince: EpochMs;
  debtUntil: EpochMs;
  /** Tokens given on credit that a call under way carries to the ledger. */
  unconfirmed: number;
  /** Tokens that requests under way ask for. The ledger may grant fewer. */
  requested: number;
  /** The calls under way that include this account. */
  calls: readonly Promise<unknown>[];
  refusal: Refusal | undefined;
  /**
   * Until this instant the account gives no credit: requests are waiting to ask the ledger, and
   * later requests must not overtake them.
   */
  noCreditUntil: EpochMs;
  /** Set by each use, cleared when the account reaches the front of the eviction order. */
  recentlyUsed: boolean;
}

/** The ledger's refusal, remembered until there is room again. */
export interface Refusal {
  /** By the isolate's clock, of which only differences count. */
  readonly since: EpochMs;
  readonly until: EpochMs;
  /** The refused cost in tokens. A request of a smaller cost may still fit. */
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
 * the same width are kept. It changes the object in place, since calls under way refer to it.
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
