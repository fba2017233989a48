/** Charges debts and requests to the ledger, and applies its answers to the isolate's accounts. */
import type { Fault } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { AccountTable } from "./account-table.ts";
import { charge, type Bucket } from "./bucket.ts";
import type { Charge, Ledger, TakeResult } from "./ledger.ts";
import type { LocalAccount } from "./local-account.ts";

export interface SettlementOptions {
  readonly ledger: Ledger;
  readonly table: AccountTable;
  /** The time limit of each call of the ledger. */
  readonly timeoutMs: Millis;
}

export interface Settlement {
  /**
   * Charges the accounts' debts, whether or not they fit, and then as many of the requests as fit.
   * Each debt is sent once. If the outcome of the call is unknown, the tokens of the debt are added
   * to `unknown()`.
   */
  take(
    accounts: readonly LocalAccount[],
    cost: number,
    requests: number,
    ctx: Context,
  ): Promise<Result<TakeResult>>;
  /** Charges the debts that are due or old. The call runs in the background. */
  settleDue(now: EpochMs, ctx: Context): void;
  /** Returns the number of tokens in calls with an unknown outcome: the ledger may or may not have charged them. */
  unknown(): number;
}

/** The pause between two background settlements. It lets a busy isolate charge many accounts with each. */
const PAUSE_MS: Millis = 100;

/**
 * A refusal is remembered for at most this long. The ledger is then asked again, so that a reset
 * through another isolate takes effect.
 */
const MAX_REFUSAL_MS: Millis = 60_000;

/** Returns whether the ledger may have executed a call that ended with this fault. */
export function mayHaveRun({ code }: Fault): boolean {
  return !code.endsWith(".rejected") && !code.endsWith(".open");
}

export function createSettlement({ ledger, table, timeoutMs }: SettlementOptions): Settlement {
  let unknown = 0;
  let pausedUntil: EpochMs = -Infinity;

  function createCharge(account: LocalAccount, now: EpochMs): Charge {
    const { key, windows, debtUntil } = account;
    const debt = table.takeDebt(account);
    account.unconfirmed += debt;
    return { key, windows, debt, debtAgeMs: debt === 0 ? 0 : Math.max(0, now - debtUntil) };
  }

  function applyBuckets(
    account: LocalAccount,
    sent: Charge,
    now: EpochMs,
    buckets: readonly Bucket[] | undefined,
  ): void {
    // Ignores an answer that is for the windows of another plan, or older than an answer already applied.
    if (buckets === undefined || account.windows !== sent.windows || now < account.bucketsAt)
      return;
    // Two answers of one millisecond cannot be ordered by time, so the fuller bucket is used.
    account.buckets =
      now > account.bucketsAt
        ? buckets
        : buckets.map((bucket, w) => fullerOf(bucket, account.buckets[w] ?? bucket));
    account.bucketsAt = now;
  }

  function rememberRefusal(
    account: LocalAccount,
    balances: TakeResult["balances"][number],
    cost: number,
    now: EpochMs,
  ): void {
    const waitMs = Math.max(0, ...balances.map((balance) => balance.waitMs));
    if (waitMs === 0) return;
    const until = now + Math.min(waitMs, MAX_REFUSAL_MS);
    account.refusal = { since: now, until, cost, balances };
  }

  /**
   * Handles the debt of a failed call. If the ledger may have charged it, its tokens are counted as
   * unknown; otherwise it becomes a debt again.
   */
  function applyFault(
    account: LocalAccount,
    sent: Charge,
    fault: Fault,
    requested: number,
    ctx: Context,
  ): void {
    if (mayHaveRun(fault)) {
      unknown += sent.debt + requested;
      const now = table.ledgerTime(ctx.now());
      account.buckets = account.buckets.map((bucket, w) =>
        charge(bucket, account.windows[w]!, now, sent.debt),
      );
    } else if (sent.debt > 0) {
      const sentUntil = ctx.now() - sent.debtAgeMs;
      const since = Math.min(account.debt > 0 ? account.debtSince : Infinity, sentUntil);
      const until = account.debt > 0 ? account.debtUntil : sentUntil;
      table.owe(account, sent.debt, ctx.now());
      account.debtSince = since;
      account.debtUntil = until;
    }
  }

  function take(
    accounts: readonly LocalAccount[],
    cost: number,
    requests: number,
    ctx: Context,
  ): Promise<Result<TakeResult>> {
    const now = ctx.now();
    const requested = cost * requests;
    const charges = accounts.map((account) => createCharge(account, now));
    for (const account of accounts) account.requested += requested;
    const call = ledger.take({ charges, cost, requests }, ctx).then((result) => {
      if (result.ok) table.setLedgerTime(result.value.now, ctx.now());
      else ctx.emit({ type: "fault.raise", fault: result.fault });
      for (const [i, account] of accounts.entries()) {
        const sent = charges[i]!;
        account.unconfirmed -= sent.debt;
        account.requested -= requested;
        account.calls = account.calls.filter((other) => other !== call);
        if (!result.ok) applyFault(account, sent, result.fault, requested, ctx);
        else {
          const { admitted, now: ledgerNow, buckets, balances } = result.value;
          applyBuckets(account, sent, ledgerNow, buckets?.[i]);
          if (admitted < requests) rememberRefusal(account, balances[i] ?? [], cost, ctx.now());
        }
      }
      return result;
    });
    for (const account of accounts) account.calls = [...account.calls, call];
    return call;
  }

  return {
    take,

    settleDue(now, ctx) {
      // Only one background settlement runs at a time. The platform may end its request early, so
      // the pause ends at the deadline of the call. If the clock was set back, the pause ends at
      // once.
      if (now < pausedUntil && now >= pausedUntil - timeoutMs) return;
      const accounts = table.takeDue(now);
      if (accounts.length === 0) return;
      pausedUntil = now + timeoutMs;
      ctx.defer(
        take(accounts, 0, 0, ctx).then(({ ok }) => {
          // If accounts for a full settlement wait, they are settled without a pause, unless this
          // settlement failed.
          const continues = ok && table.hasFullSettlement();
          pausedUntil = continues ? -Infinity : ctx.now() + PAUSE_MS;
        }),
      );
    },

    unknown: () => unknown,
  };
}

/**
 * Returns the later of two states of a bucket at one instant. It is the fuller one, because use
 * only grows within an instant.
 */
function fullerOf(a: Bucket, b: Bucket): Bucket {
  return a.current + a.previous >= b.current + b.previous ? a : b;
}
