/** Calls of the ledger, and what their answers mean for the accounts of this isolate. */
import type { Fault } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { MAX_REFUSAL_MS, settleAfter, type AccountTable, type Known } from "./accounts.ts";
import { charge, type Bucket } from "./bucket.ts";
import type { Charge, Ledger, Taken } from "./ledger.ts";

export interface SettlementOptions {
  readonly ledger: Ledger;
  readonly table: AccountTable;
  /** No call of the ledger takes longer. */
  readonly timeoutMs: Millis;
}

/** Accounts whose debts one sweep takes along. */
const SWEEP_SIZE = 128;

/** Between two sweeps, so that a busy isolate settles many accounts with each. */
const PAUSE_MS: Millis = 100;

export interface Settlement {
  /**
   * Charges the accounts' debts, whatever is left, and then as many requests as
   * fit. Every debt is sent once: if the answer stays out it is counted as unknown.
   */
  call(
    accounts: readonly Known[],
    cost: number,
    requests: number,
    ctx: Context,
  ): Promise<Result<Taken>>;
  /** Notes that an account is to be settled with the next sweep, whatever its debt's age. */
  due(known: Known): void;
  /** Settles in the background what is due, and whatever has waited for long enough. */
  sweep(now: EpochMs, ctx: Context): void;
  /** The ledger's time at `now` by the isolate's clock, by the last answer. */
  ledgerTime(now: EpochMs): EpochMs;
  /** Tokens of which nobody knows whether they were charged. */
  unknown(): number;
}

/** Whether a call that ended so may have been carried out. */
export function mayHaveRun({ code }: Fault): boolean {
  return code !== "redis.rejected" && code !== "redis.open";
}

export function createSettlement({ ledger, table, timeoutMs }: SettlementOptions): Settlement {
  let offset: Millis = 0;
  let unknown = 0;
  let sweepingUntil: EpochMs = -Infinity;
  let lookedAt: EpochMs = -Infinity;
  /** Accounts that are due, until a sweep takes them. */
  const waiting = new Set<Known>();

  const ledgerTime = (now: EpochMs): EpochMs => now + offset;

  function handOver(known: Known, now: EpochMs): Charge {
    const { key, windows, debt, debtUntil } = known;
    known.flying += debt;
    known.debt = 0;
    table.settled(known);
    return { key, windows, debt, debtAgeMs: debt === 0 ? 0 : Math.max(0, now - debtUntil) };
  }

  function applyAnswer(known: Known, sent: Charge, taken: Taken, i: number): void {
    const buckets = taken.buckets?.[i];
    // Windows of another plan by now, or an answer that was overtaken: not applied.
    if (buckets === undefined || known.windows !== sent.windows || taken.now < known.bucketsAt)
      return;
    // Two answers of one millisecond: of one account only the later has all that was charged.
    known.buckets =
      taken.now > known.bucketsAt
        ? buckets
        : buckets.map((bucket, w) => laterOf(bucket, known.buckets[w] ?? bucket));
    known.bucketsAt = taken.now;
  }

  function remember(known: Known, taken: Taken, i: number, cost: number, now: EpochMs): void {
    const balances = taken.balances[i] ?? [];
    const waitMs = Math.max(0, ...balances.map((balance) => balance.waitMs));
    if (waitMs === 0) return;
    const until = now + Math.min(waitMs, MAX_REFUSAL_MS);
    known.refusal = { since: now, until, cost, balances };
  }

  function applyFault(known: Known, sent: Charge, fault: Fault, asked: number, ctx: Context): void {
    if (mayHaveRun(fault)) {
      unknown += sent.debt + asked;
      const now = ledgerTime(ctx.now());
      known.buckets = known.buckets.map((bucket, w) =>
        charge(bucket, known.windows[w]!, now, sent.debt),
      );
    } else if (sent.debt > 0) {
      const since = Math.min(
        known.debt > 0 ? known.debtSince : Infinity,
        ctx.now() - sent.debtAgeMs,
      );
      const until = known.debt > 0 ? known.debtUntil : ctx.now() - sent.debtAgeMs;
      table.owe(known, sent.debt, ctx.now());
      known.debtSince = since;
      known.debtUntil = until;
    }
  }

  function call(
    accounts: readonly Known[],
    cost: number,
    requests: number,
    ctx: Context,
  ): Promise<Result<Taken>> {
    const now = ctx.now();
    const asked = cost * requests;
    const charges = accounts.map((known) => handOver(known, now));
    for (const known of accounts) known.asking += asked;
    const work = ledger.take({ charges, cost, requests }, ctx).then((result) => {
      if (result.ok) offset = result.value.now - ctx.now();
      else ctx.emit({ type: "fault.raise", fault: result.fault });
      for (const [i, known] of accounts.entries()) {
        const sent = charges[i]!;
        known.flying -= sent.debt;
        known.asking -= asked;
        known.calls = known.calls.filter((other) => other !== work);
        if (!result.ok) applyFault(known, sent, result.fault, asked, ctx);
        else {
          applyAnswer(known, sent, result.value, i);
          if (result.value.admitted < requests) remember(known, result.value, i, cost, ctx.now());
        }
      }
      return result;
    });
    for (const known of accounts) known.calls = [...known.calls, work];
    return work;
  }

  function sweep(now: EpochMs, ctx: Context): void {
    // One sweep at a time: what falls due meanwhile goes together with the next. One
    // that has died with its request is not waited for.
    if (now < sweepingUntil && now >= sweepingUntil - timeoutMs) return;
    const swept = pick(now);
    if (swept.length === 0) return;
    sweepingUntil = now + timeoutMs;
    ctx.defer(
      call(swept, 0, 0, ctx).then(({ ok }) => {
        // Clients that come in turns are due in turns: a whole sweep of them need not wait, unless
        // it was in vain.
        const goesOn = ok && waiting.size >= SWEEP_SIZE;
        sweepingUntil = goesOn ? -Infinity : ctx.now() + PAUSE_MS;
      }),
    );
  }

  /** Who is settled next: those that are due, and those that have owed for long. */
  function pick(now: EpochMs): readonly Known[] {
    const crowded = table.crowded();
    const anyOld = crowded || isAnyOld(now);
    // Looked at with every request, so the usual answer comes first.
    if (waiting.size === 0 && !anyOld) return [];
    const picked = new Set(first(waiting));
    if (anyOld)
      for (const known of first(table.owing())) {
        if (!crowded && !isOld(known, now)) break;
        picked.add(known);
      }
    // Those that are held take their debts along themselves.
    const ready = [...picked].filter((known) => now >= known.heldUntil);
    for (const known of ready) waiting.delete(known);
    return ready;
  }

  /**
   * Whether the oldest debt has waited for long enough. Looked at now and then: the first of a set
   * from whose front much was deleted is found behind the places of all that.
   */
  function isAnyOld(now: EpochMs): boolean {
    if (now >= lookedAt && now - lookedAt < PAUSE_MS) return false;
    lookedAt = now;
    const [oldest] = table.owing();
    return oldest !== undefined && isOld(oldest, now);
  }

  function isOld(known: Known, now: EpochMs): boolean {
    const waited = now - known.debtSince;
    // A clock that went back must not keep a debt for ever.
    return waited >= settleAfter(known.windows) || waited < 0;
  }

  /** The first of a set, as many as one sweep takes; those that owe nothing any more are let go. */
  function first(set: Iterable<Known>): readonly Known[] {
    const found: Known[] = [];
    for (const known of set) {
      if (known.debt === 0) waiting.delete(known);
      else if (found.push(known) >= SWEEP_SIZE) break;
    }
    return found;
  }

  return {
    call,
    due: (known) => void waiting.add(known),
    sweep,
    ledgerTime,
    unknown: () => unknown,
  };
}

/** Of two states of a bucket at one instant the one that came after the other: use only grows. */
function laterOf(a: Bucket, b: Bucket): Bucket {
  return a.current + a.previous >= b.current + b.previous ? a : b;
}
