/**
 * Decides whether a request is allowed. It uses the first of these that applies: a refusal in the
 * isolate's memory, a lease of the isolate (fast mode), the ledger.
 */
import type { Context } from "../core/context.ts";
import type { WithTimeout } from "../core/deadline.ts";
import type { Fault } from "../core/faults.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { timeWait } from "../core/timed-step.ts";
import type { AccountTable } from "./account-table.ts";
import type { Behaviour } from "./behaviour.ts";
import { balanceOf, charge, emptyBucket, room } from "./bucket.ts";
import type { Decision, RequestAccount } from "./decision.ts";
import type { TakeResult } from "./ledger.ts";
import type { LocalAccount, Refusal } from "./local-account.ts";
import { createRequestBatches } from "./request-batches.ts";
import { mayHaveRun, type Settlement } from "./settlement.ts";
import type { Balance, Window } from "./window.ts";

export interface LimiterOptions {
  readonly settlement: Settlement;
  readonly table: AccountTable;
  /** The time limit of each call of the ledger. */
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
}

export interface Limiter {
  /** Decides about one request. Returns a promise only if the ledger must be asked. */
  decide(
    requested: readonly RequestAccount[],
    cost: number,
    behaviour: Behaviour,
    ctx: Context,
  ): Decision | Promise<Decision>;
  /**
   * Returns the refusal that a request would get by what this isolate knows; undefined if there is
   * none. It takes no tokens, and does not ask the ledger.
   */
  peek(requested: readonly RequestAccount[], cost: number, ctx: Context): Decision | undefined;
}

export function createLimiter(options: LimiterOptions): Limiter {
  const { settlement, table, timeoutMs, withTimeout } = options;
  const holdMs = 2 * timeoutMs;
  const batches = createRequestBatches({ settlement, timeoutMs, holdMs, withTimeout });

  /** Makes a decision from a refusal in memory. Its waits are reduced by the time since the refusal. */
  function refuseFromMemory(
    accounts: readonly LocalAccount[],
    cost: number,
    now: EpochMs,
  ): Decision | undefined {
    if (!accounts.some((account) => refusalOf(account, cost, now))) return undefined;
    const balances = accounts.map((account) => {
      const refusal = refusalOf(account, cost, now);
      return (refusal?.balances ?? []).map((balance) =>
        balanceAfter(balance, now - (refusal?.since ?? now)),
      );
    });
    return { outcome: "refused", by: "memory", balances, now: table.ledgerTime(now) };
  }

  /**
   * Gives the tokens on credit, if every account has credit left and, as far as the isolate knows,
   * enough tokens left.
   */
  function giveCredit(
    accounts: readonly LocalAccount[],
    cost: number,
    share: number,
    now: EpochMs,
  ): boolean {
    const ledgerNow = table.ledgerTime(now);
    for (const account of accounts) {
      if (now < account.noCreditUntil && now >= account.noCreditUntil - holdMs) return false;
      if (account.debt + account.unconfirmed + cost > leaseOf(account.windows, share)) return false;
      if (!hasRoom(account, cost + account.requested, ledgerNow)) return false;
    }
    for (const account of accounts) {
      table.owe(account, cost, now);
      // The account is settled at three quarters of its lease, because the rest must last until the
      // ledger has answered.
      if (account.unconfirmed === 0 && account.debt * 4 >= leaseOf(account.windows, share) * 3)
        table.markDue(account);
    }
    return true;
  }

  /** Makes a decision from what the isolate knows, without an answer of the ledger. */
  function localDecision(
    accounts: readonly LocalAccount[],
    outcome: "allowed" | "refused",
    by: "lease" | "local",
    cost: number,
    ledgerNow: EpochMs,
  ): Decision {
    const missing = outcome === "refused" ? cost : 0;
    const balances = accounts.map((account) => localBalances(account, missing, ledgerNow));
    return { outcome, by, balances, now: ledgerNow };
  }

  async function askLedger(
    accounts: readonly LocalAccount[],
    cost: number,
    behaviour: Behaviour,
    ctx: Context,
  ): Promise<Decision> {
    // The wait is timed here and not at the ledger's call, which several requests may wait for.
    const { result, index } = await timeWait(
      ctx,
      "limit",
      async () =>
        behaviour.mode === "fast"
          ? batches.ask(accounts, cost, ctx)
          : { result: await settlement.take(accounts, cost, 1, ctx), index: 0 },
      (answer) => (answer.result.ok ? "ok" : answer.result.fault.code),
    );
    return result.ok
      ? ledgerDecision(result.value, index, cost)
      : decideWithoutLedger(accounts, cost, behaviour, result.fault, ctx);
  }

  function decideWithoutLedger(
    accounts: readonly LocalAccount[],
    cost: number,
    { onUnavailable }: Behaviour,
    fault: Fault,
    ctx: Context,
  ): Decision {
    if (onUnavailable !== "local") return { outcome: onUnavailable, fault };
    const now = ctx.now();
    const ledgerNow = table.ledgerTime(now);
    if (!accounts.every((account) => hasRoom(account, cost + account.requested, ledgerNow)))
      return { ...localDecision(accounts, "refused", "local", cost, ledgerNow), fault };
    for (const account of accounts) {
      // The ledger may have charged these tokens already. Then they are only counted here;
      // otherwise they become a debt.
      if (mayHaveRun(fault))
        account.buckets = account.buckets.map((bucket, w) =>
          charge(bucket, account.windows[w]!, ledgerNow, cost),
        );
      else table.owe(account, cost, now);
    }
    return { ...localDecision(accounts, "allowed", "local", cost, ledgerNow), fault };
  }

  return {
    peek(requested, cost, ctx) {
      const now = ctx.now();
      const ledgerNow = table.ledgerTime(now);
      const accounts = requested.map(({ key, windows }) => table.get(key, windows, ledgerNow));
      const refused = refuseFromMemory(accounts, cost, now);
      if (refused !== undefined) return refused;
      if (accounts.every((account) => hasRoom(account, cost, ledgerNow))) return undefined;
      return localDecision(accounts, "refused", "local", cost, ledgerNow);
    },

    decide(requested, cost, behaviour, ctx) {
      const now = ctx.now();
      const ledgerNow = table.ledgerTime(now);
      const accounts = requested.map(({ key, windows }) => table.get(key, windows, ledgerNow));
      const refused = refuseFromMemory(accounts, cost, now);
      if (refused !== undefined) return refused;
      if (behaviour.mode === "fast" && giveCredit(accounts, cost, behaviour.lease, now)) {
        if (table.hasDue(now)) settlement.settleDue(now, ctx);
        return localDecision(accounts, "allowed", "lease", cost, ledgerNow);
      }
      return askLedger(accounts, cost, behaviour, ctx);
    },
  };
}

/** Returns the most tokens that an isolate gives on credit: a share of the narrowest limit, at least 1. */
export function leaseOf(windows: readonly Window[], share: number): number {
  let narrowest = Infinity;
  for (const { limit } of windows) if (limit < narrowest) narrowest = limit;
  return Math.max(1, Math.ceil(narrowest * share));
}

/** Returns the refusal in memory that applies at `now` to a request of `cost` tokens; undefined if there is none. */
function refusalOf(account: LocalAccount, cost: number, now: EpochMs): Refusal | undefined {
  const { refusal } = account;
  if (refusal === undefined) return undefined;
  // The comparison with `since` ends a refusal that lies in the future, which happens if the clock
  // was set back.
  if (now >= refusal.until || now < refusal.since) {
    account.refusal = undefined;
    return undefined;
  }
  return cost >= refusal.cost ? refusal : undefined;
}

/** Returns whether `cost` tokens beside those given fit into every window, as far as the isolate knows. */
function hasRoom(account: LocalAccount, cost: number, now: EpochMs): boolean {
  const given = account.debt + account.unconfirmed + cost;
  return account.windows.every(
    (window, w) => room(account.buckets[w] ?? emptyBucket(now), window, now) >= given,
  );
}

/** Returns the account's balances, less all tokens that the isolate has given and the ledger has not confirmed. */
function localBalances(account: LocalAccount, cost: number, now: EpochMs): readonly Balance[] {
  const given = account.debt + account.unconfirmed;
  return account.windows.map((window, w) => {
    const bucket = charge(account.buckets[w] ?? emptyBucket(now), window, now, given);
    return balanceOf(bucket, window, now, cost);
  });
}

/** Makes the decision for the request at position `index` of a batch. */
function ledgerDecision(taken: TakeResult, index: number, cost: number): Decision {
  const allowed = index < taken.admitted;
  // The balances are those after the whole batch. The tokens of requests after this one are added
  // back.
  const chargedLater = allowed ? (taken.admitted - 1 - index) * cost : 0;
  const balances = taken.balances.map((windows) =>
    windows.map((balance) => ({
      ...balance,
      remaining: balance.remaining + chargedLater,
      waitMs: allowed ? 0 : balance.waitMs,
    })),
  );
  return { outcome: allowed ? "allowed" : "refused", by: "ledger", balances, now: taken.now };
}

/** Returns the balance as it is `elapsedMs` after the ledger reported it. */
function balanceAfter(balance: Balance, elapsedMs: Millis): Balance {
  return {
    ...balance,
    resetMs: Math.max(0, balance.resetMs - elapsedMs),
    waitMs: balance.waitMs === 0 ? 0 : Math.max(1, balance.waitMs - elapsedMs),
  };
}
