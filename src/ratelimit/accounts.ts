/** What an isolate remembers of identities: leases and refusals, in a bounded table. */
import type { EpochMs, Millis } from "../core/time.ts";
import { charge, emptyBucket, room, type Bucket } from "./bucket.ts";
import type { Account, Balance } from "./ledger.ts";
import type { Window } from "./window.ts";
import { balanceOf } from "./balance.ts";

/** A refusal by the ledger, good until there is room again. */
export interface Refusal {
  /** By the isolate's own clock, of which only differences count. */
  readonly since: EpochMs;
  readonly until: EpochMs;
  /** Requests of fewer tokens may still fit. */
  readonly cost: number;
  /** What the ledger said. */
  readonly balances: readonly Balance[];
}

/** An identity under one policy as this isolate knows it. */
export interface Known extends Account {
  /** The ledger's state when it last answered; empty before. In the ledger's time. */
  buckets: readonly Bucket[];
  /** The instant of that state; later answers that are older are not applied. */
  bucketsAt: EpochMs;
  /** Tokens given on credit, not yet charged; since when; and when last. In the isolate's time. */
  debt: number;
  debtSince: EpochMs;
  debtUntil: EpochMs;
  /** Tokens on their way to the ledger. */
  flying: number;
  /** Tokens that requests under way ask for; how many they get is not known yet. */
  asking: number;
  /** The calls under way that include this account. */
  calls: readonly Promise<unknown>[];
  refusal: Refusal | undefined;
  /** Until then nothing is lent: requests wait to ask the ledger, and would be overtaken. */
  heldUntil: EpochMs;
  /** Whether it was asked for since the table last looked whom to forget. */
  seen: boolean;
}

/** A refusal is asked about again after this long, so that a reset elsewhere is seen. */
export const MAX_REFUSAL_MS: Millis = 60_000;

/** The refusal that holds at `now` for a request of `cost` tokens. */
export function refusalOf(known: Known, cost: number, now: EpochMs): Refusal | undefined {
  const { refusal } = known;
  if (refusal === undefined) return undefined;
  // A clock that went back makes no refusal longer.
  if (now >= refusal.until || now < refusal.since) {
    known.refusal = undefined;
    return undefined;
  }
  return cost >= refusal.cost ? refusal : undefined;
}

/** The most tokens that an isolate gives on credit: a share of the narrowest limit, at least one. */
export function leaseOf(windows: readonly Window[], share: number): number {
  let narrowest = Infinity;
  for (const { limit } of windows) if (limit < narrowest) narrowest = limit;
  return Math.max(1, Math.ceil(narrowest * share));
}

/** How long a debt may wait for a reason to be settled: a quarter of the shortest span, at most a minute. */
export function settleAfter(windows: readonly Window[]): Millis {
  let shortest = Infinity;
  for (const { widthMs } of windows) if (widthMs < shortest) shortest = widthMs;
  return Math.min(60_000, shortest / 4);
}

/** Whether the isolate, by what it knows, has room for `cost` more. */
export function fits(known: Known, cost: number, now: EpochMs): boolean {
  const given = known.debt + known.flying + known.asking + cost;
  return known.windows.every(
    (window, w) => room(known.buckets[w] ?? emptyBucket(now), window, now) >= given,
  );
}

/** With everything that this isolate has given and the ledger has not confirmed. */
export function balancesOf(known: Known, now: EpochMs, cost = 0): readonly Balance[] {
  const given = known.debt + known.flying;
  return known.windows.map((window, w) => {
    const bucket = charge(known.buckets[w] ?? emptyBucket(now), window, now, given);
    return balanceOf(bucket, window, now, cost);
  });
}

export interface AccountTable {
  /** The account, made empty if it is new. `windows` are those that hold now. */
  get(key: string, windows: readonly Window[], now: EpochMs): Known;
  peek(key: string): Known | undefined;
  forget(key: string): void;
  /** Notes that tokens were given on credit. */
  owe(known: Known, tokens: number, now: EpochMs): void;
  /** Accounts with debts, the oldest debt first, also those that the table has let go. */
  owing(): Iterable<Known>;
  /** Whether so many accounts owe that they should be settled whatever their age. */
  crowded(): boolean;
  /** The debts have been handed over, or are given up. */
  settled(known: Known): void;
  stats(): { readonly accounts: number; readonly owing: number; readonly forgiven: number };
}

export interface AccountTableOptions {
  /** Identities beyond this many make the table forget one that was not seen for long. */
  readonly maxAccounts: number;
  /** Debts beyond this many accounts are forgiven, oldest first, and counted. */
  readonly maxOwing: number;
}

/**
 * Gives the first of a set or map, which is to be deleted then, and so on. One iterator for all
 * of them: a new one would walk over the places of everything that was first before.
 */
function createFront<T>(values: () => Iterator<T, undefined>): () => T | undefined {
  let front = values();
  return () => {
    let { value } = front.next();
    if (value === undefined) ({ value } = (front = values()).next());
    return value;
  };
}

export function createAccountTable({ maxAccounts, maxOwing }: AccountTableOptions): AccountTable {
  const accounts = new Map<string, Known>();
  const owing = new Set<Known>();
  let forgiven = 0;

  const firstAccount = createFront(() => accounts.values());
  const firstOwing = createFront(() => owing.values());

  function forgiveOldest(): void {
    while (owing.size > maxOwing) {
      const oldest = firstOwing();
      if (oldest === undefined) return;
      owing.delete(oldest);
      forgiven += oldest.debt;
      oldest.debt = 0;
    }
  }

  /** The first that was not seen since it came to the front last; those that were get a second chance. */
  function forgetOne(): void {
    for (;;) {
      const known = firstAccount();
      if (known === undefined) return;
      accounts.delete(known.key);
      if (!known.seen) return;
      known.seen = false;
      accounts.set(known.key, known);
    }
  }

  return {
    get(key, windows, now) {
      const found = accounts.get(key);
      if (found !== undefined) {
        found.seen = true;
        return found.windows === windows ? found : adapt(found, windows, now);
      }
      if (accounts.size >= maxAccounts) forgetOne();
      const known = newAccount(key, windows, now);
      accounts.set(key, known);
      return known;
    },
    peek: (key) => accounts.get(key),
    forget(key) {
      const known = accounts.get(key);
      if (known === undefined) return;
      accounts.delete(key);
      owing.delete(known);
      known.debt = 0;
    },
    owe(known, tokens, now) {
      if (tokens === 0) return;
      if (known.debt === 0) {
        known.debtSince = now;
        owing.add(known);
      }
      known.debt += tokens;
      known.debtUntil = now;
      if (owing.size > maxOwing) forgiveOldest();
    },
    owing: () => owing,
    crowded: () => owing.size > maxOwing / 2,
    settled: (known) => void owing.delete(known),
    stats: () => ({ accounts: accounts.size, owing: owing.size, forgiven }),
  };
}

function newAccount(key: string, windows: readonly Window[], now: EpochMs): Known {
  return {
    key,
    windows,
    buckets: windows.map(() => emptyBucket(now)),
    bucketsAt: -Infinity,
    debt: 0,
    debtSince: now,
    debtUntil: now,
    flying: 0,
    asking: 0,
    calls: [],
    refusal: undefined,
    heldUntil: -Infinity,
    seen: false,
  };
}

/** A known account whose windows are others now: the caller's plan has changed. */
function adapt(found: Known, windows: readonly Window[], now: EpochMs): Known {
  const before = found.windows;
  const buckets = windows.map(({ widthMs }) => {
    const index = before.findIndex((window) => window.widthMs === widthMs);
    return found.buckets[index] ?? emptyBucket(now);
  });
  // The same object: calls that are under way must find it.
  return Object.assign(found, { windows, buckets, refusal: undefined });
}
