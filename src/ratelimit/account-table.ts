/** The accounts that an isolate remembers. The table knows which of them have a debt, and how far the ledger's clock is ahead. */
import type { EpochMs, Millis } from "../core/time.ts";
import { createLocalAccount, replaceWindows, type LocalAccount } from "./local-account.ts";
import type { Window } from "./window.ts";

/** A settlement takes at most this many accounts that are marked as due, and at most this many with an old debt. */
const SETTLEMENT_SIZE = 128;

/** The table searches for old debts at most once in this time. */
const LOOK_EVERY_MS: Millis = 100;
/** A debt is settled at this age, or at a quarter of the account's shortest span if that is less. */
const MAX_DEBT_AGE_MS: Millis = 60_000;

export interface AccountTable {
  /** Returns the account, and creates it if it is new. `windows` are the windows that apply to its client now. */
  get(key: string, windows: readonly Window[], now: EpochMs): LocalAccount;
  /** Returns the account without marking it as used. */
  peek(key: string): LocalAccount | undefined;
  /** Deletes the account with its debt. */
  forget(key: string): void;
  /** Adds tokens that were given on credit to the account's debt. */
  owe(account: LocalAccount, tokens: number, now: EpochMs): void;
  /** Sets the account's debt to 0 and returns the former debt. The caller must charge it. */
  takeDebt(account: LocalAccount): number;
  /** Returns the accounts that have a debt, the oldest debt first. Evicted accounts are included. */
  owing(): Iterable<LocalAccount>;
  /** Marks an account so that the next settlement takes it, regardless of the age of its debt. */
  markDue(account: LocalAccount): void;
  /**
   * Returns whether `takeDue` may find accounts. Every request calls this, so it searches for old
   * debts only every 100 ms.
   */
  hasDue(now: EpochMs): boolean;
  /** Returns whether the accounts that are marked as due fill a settlement. */
  hasFullSettlement(): boolean;
  /** Returns the accounts to settle now: those that are marked as due, and those with an old debt. */
  takeDue(now: EpochMs): readonly LocalAccount[];
  /** Returns the time of the ledger's clock when the isolate's clock shows `now`. */
  ledgerTime(now: EpochMs): EpochMs;
  /** Records the ledger's time, which an answer that arrived at `now` contains. */
  setLedgerTime(ledgerNow: EpochMs, now: EpochMs): void;
  stats(): { readonly accounts: number; readonly owing: number; readonly forgiven: number };
}

export interface AccountTableOptions {
  /** The most accounts in memory. When this many are stored, a new one evicts one that was not used recently. */
  readonly maxAccounts: number;
  /** The most accounts with a debt. Above this, the oldest debts are set to 0 and added to `forgiven`. */
  readonly maxOwing: number;
}

/**
 * Returns a function that returns the first element of a set or map. The caller deletes that
 * element before the next call. All calls share one iterator, because a new one would have to skip
 * the slots of all deleted elements.
 */
function createFirst<T>(values: () => Iterator<T, undefined>): () => T | undefined {
  let iterator = values();
  return () => {
    let { value } = iterator.next();
    if (value === undefined) ({ value } = (iterator = values()).next());
    return value;
  };
}

export function createAccountTable({ maxAccounts, maxOwing }: AccountTableOptions): AccountTable {
  const accounts = new Map<string, LocalAccount>();
  const owing = new Set<LocalAccount>();
  /** The accounts that are marked as due and that no settlement has taken yet. */
  const due = new Set<LocalAccount>();
  let forgiven = 0;
  let ledgerOffsetMs: Millis = 0;
  let lookedAt: EpochMs = -Infinity;
  /** True if the last search found an old debt, and no settlement has taken it since. */
  let foundOldDebt = false;

  const firstAccount = createFirst(() => accounts.values());
  const firstOwing = createFirst(() => owing.values());

  function forgiveOldest(): void {
    while (owing.size > maxOwing) {
      const oldest = firstOwing();
      if (oldest === undefined) return;
      owing.delete(oldest);
      due.delete(oldest);
      forgiven += oldest.debt;
      oldest.debt = 0;
    }
  }

  /**
   * Evicts the oldest account that was not used since it was last moved to the back of the order.
   * Moves the used accounts before it to the back.
   */
  function evictOne(): void {
    for (;;) {
      const account = firstAccount();
      if (account === undefined) return;
      accounts.delete(account.key);
      if (!account.recentlyUsed) return;
      account.recentlyUsed = false;
      accounts.set(account.key, account);
    }
  }

  const isCrowded = (): boolean => owing.size > maxOwing / 2;

  /**
   * Returns whether the oldest debt is old enough to be settled. It searches only every 100 ms,
   * because the first element of a set is slow to find after many deletions at the front.
   */
  function hasOldDebt(now: EpochMs): boolean {
    if (now >= lookedAt && now - lookedAt < LOOK_EVERY_MS) return foundOldDebt;
    lookedAt = now;
    const [oldest] = owing;
    foundOldDebt = oldest !== undefined && isOldDebt(oldest, now);
    return foundOldDebt;
  }

  /**
   * Returns the first accounts of a set that have a debt, at most SETTLEMENT_SIZE. Accounts without
   * a debt lose the mark "due".
   */
  function firstIndebted(set: Iterable<LocalAccount>): readonly LocalAccount[] {
    const found: LocalAccount[] = [];
    for (const account of set) {
      if (account.debt === 0) due.delete(account);
      else if (found.push(account) >= SETTLEMENT_SIZE) break;
    }
    return found;
  }

  return {
    get(key, windows, now) {
      const found = accounts.get(key);
      if (found !== undefined) {
        found.recentlyUsed = true;
        return found.windows === windows ? found : replaceWindows(found, windows, now);
      }
      if (accounts.size >= maxAccounts) evictOne();
      const account = createLocalAccount(key, windows, now);
      accounts.set(key, account);
      return account;
    },
    peek: (key) => accounts.get(key),
    forget(key) {
      const account = accounts.get(key);
      if (account === undefined) return;
      accounts.delete(key);
      owing.delete(account);
      account.debt = 0;
    },
    owe(account, tokens, now) {
      if (tokens === 0) return;
      if (account.debt === 0) {
        account.debtSince = now;
        owing.add(account);
      }
      account.debt += tokens;
      account.debtUntil = now;
      if (owing.size > maxOwing) forgiveOldest();
    },
    takeDebt(account) {
      const { debt } = account;
      account.debt = 0;
      owing.delete(account);
      return debt;
    },
    owing: () => owing,
    markDue: (account) => void due.add(account),
    hasDue: (now) => due.size > 0 || isCrowded() || hasOldDebt(now),
    hasFullSettlement: () => due.size >= SETTLEMENT_SIZE,
    takeDue(now) {
      const crowded = isCrowded();
      const taken = new Set(firstIndebted(due));
      if (crowded || hasOldDebt(now))
        for (const account of firstIndebted(owing)) {
          if (!crowded && !isOldDebt(account, now)) break;
          taken.add(account);
        }
      foundOldDebt = false;
      // Leaves out accounts for which requests wait to ask the ledger, because those requests carry
      // the debt too.
      const ready = [...taken].filter((account) => now >= account.noCreditUntil);
      for (const account of ready) due.delete(account);
      return ready;
    },
    ledgerTime: (now) => now + ledgerOffsetMs,
    setLedgerTime: (ledgerNow, now) => void (ledgerOffsetMs = ledgerNow - now),
    stats: () => ({ accounts: accounts.size, owing: owing.size, forgiven }),
  };
}

function isOldDebt({ debtSince, windows }: LocalAccount, now: EpochMs): boolean {
  const shortestMs = Math.min(...windows.map(({ widthMs }) => widthMs));
  const ageMs = now - debtSince;
  // A negative age means that the clock was set back. The debt is then settled at once, because it
  // could otherwise wait for hours.
  return ageMs >= Math.min(MAX_DEBT_AGE_MS, shortestMs / 4) || ageMs < 0;
}
