/** The accounts that an isolate remembers. The table knows which of them have a debt, and how far the ledger's clock is ahead. */
import type { EpochMs, Millis } from "../core/time.ts";
import { createLocalAccount, replaceWindows, type LocalAccount } from "./local-account.ts";
import type { Window } from "./window.ts";

/** The most accounts that one settlement takes because they are due, and because their debt is old. */
const SETTLEMENT_SIZE = 128;

/** How often the table looks for old debts. */
const LOOK_EVERY_MS: Millis = 100;
/** A debt is settled after a quarter of the shortest span, but no later than this. */
const MAX_DEBT_AGE_MS: Millis = 60_000;

export interface AccountTable {
  /** Returns the account, and creates it if it is new. `windows` are those that hold now. */
  get(key: string, windows: readonly Window[], now: EpochMs): LocalAccount;
  /** Returns the account without marking it as used. */
  peek(key: string): LocalAccount | undefined;
  /** Deletes the account with its debt. */
  forget(key: string): void;
  /** Adds tokens that were given on credit to the account's debt. */
  owe(account: LocalAccount, tokens: number, now: EpochMs): void;
  /** Sets the account's debt to 0 and returns what it was: the caller charges it. */
  takeDebt(account: LocalAccount): number;
  /** Accounts with a debt, the oldest debt first. Includes evicted accounts. */
  owing(): Iterable<LocalAccount>;
  /** Marks an account to be settled next, regardless of the age of its debt. */
  markDue(account: LocalAccount): void;
  /** Whether `takeDue` may find accounts. Called for each request, so it looks for old debts only now and then. */
  hasDue(now: EpochMs): boolean;
  /** Whether enough accounts are marked as due to fill a settlement. */
  hasFullSettlement(): boolean;
  /** Returns the accounts to settle now: those that are due, and those whose debt is old. */
  takeDue(now: EpochMs): readonly LocalAccount[];
  /** The ledger's time at `now` of the isolate's clock. */
  ledgerTime(now: EpochMs): EpochMs;
  /** Notes the ledger's time, as an answer that arrived at `now` gave it. */
  setLedgerTime(ledgerNow: EpochMs, now: EpochMs): void;
  stats(): { readonly accounts: number; readonly owing: number; readonly forgiven: number };
}

export interface AccountTableOptions {
  /** The most accounts in memory. A new account beyond this evicts one that was not used recently. */
  readonly maxAccounts: number;
  /** The most accounts with a debt. Beyond this the oldest debts are forgiven, and counted. */
  readonly maxOwing: number;
}

/**
 * Returns the first element of a set or map, which the caller then deletes, and so on. All calls
 * share one iterator: a new one would walk over the places of all elements deleted before.
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
  /** Accounts marked as due, until a settlement takes them. */
  const due = new Set<LocalAccount>();
  let forgiven = 0;
  let ledgerOffsetMs: Millis = 0;
  let lookedAt: EpochMs = -Infinity;
  /** Whether the last look found an old debt that no settlement has taken since. */
  let foundOldDebt = false;

  const firstAccount = createFirst(() => accounts.values());
  const firstOwing = createFirst(() => owing.values());

  function forgiveOldest(): void {
    while (owing.size > maxOwing) {
      const oldest = firstOwing();
      if (oldest === undefined) return;
      owing.delete(oldest);
      forgiven += oldest.debt;
      oldest.debt = 0;
    }
  }

  /** Evicts the oldest account that was not used since its last turn. The used ones go to the back of the order. */
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
   * Whether the oldest debt is old enough to be settled. Looks every 100 ms only: after many
   * deletions from the front of a set, finding its first element is slow.
   */
  function hasOldDebt(now: EpochMs): boolean {
    if (now >= lookedAt && now - lookedAt < LOOK_EVERY_MS) return foundOldDebt;
    lookedAt = now;
    const [oldest] = owing;
    foundOldDebt = oldest !== undefined && isOldDebt(oldest, now);
    return foundOldDebt;
  }

  /** The first accounts of a set with a debt, at most a settlement's. Those without a debt are no longer due. */
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
      // Requests that wait to ask the ledger for an account take its debt along themselves.
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
  // A negative age means that the clock was set back: the debt is settled, or it could stay for ever.
  return ageMs >= Math.min(MAX_DEBT_AGE_MS, shortestMs / 4) || ageMs < 0;
}
