import { MAX_REFUSAL_MS, settleAfter } from "./accounts.ts";
import { charge } from "./bucket.ts";
/** Accounts whose debts one sweep takes along. */
const SWEEP_SIZE = 32;
/** Owing accounts that make a sweep due, whatever their age. */
const SWEEP_AT = 256;
/** Whether a call that ended so may have been carried out. */
export function mayHaveRun({ code }) {
  return code !== "redis.rejected" && code !== "redis.open";
}
export function createSettlement({ ledger, table, timeoutMs }) {
  let offset = 0;
  let unknown = 0;
  let sweepingUntil = -Infinity;
  const ledgerNow = (ctx) => ctx.now() + offset;
  function handOver(known, now) {
    const { key, windows, debt, debtUntil } = known;
    known.flying += debt;
    known.debt = 0;
    table.settled(known);
    return { key, windows, debt, debtAgeMs: debt === 0 ? 0 : Math.max(0, now - debtUntil) };
  }
  function applyAnswer(known, sent, taken, i) {
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
  function remember(known, taken, i, cost, now) {
    const balances = taken.balances[i] ?? [];
    const waitMs = Math.max(0, ...balances.map((balance) => balance.waitMs));
    if (waitMs === 0) return;
    const until = now + Math.min(waitMs, MAX_REFUSAL_MS);
    known.refusal = { since: now, until, cost, balances };
  }
  function applyFault(known, sent, fault, asked, ctx) {
    if (mayHaveRun(fault)) {
      unknown += sent.debt + asked;
      const now = ledgerNow(ctx);
      known.buckets = known.buckets.map((bucket, w) =>
        charge(bucket, known.windows[w], now, sent.debt),
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
  function call(accounts, cost, requests, ctx) {
    const now = ctx.now();
    const asked = cost * requests;
    const charges = accounts.map((known) => handOver(known, now));
    for (const known of accounts) known.asking += asked;
    const work = ledger.take({ charges, cost, requests }, ctx).then((result) => {
      if (result.ok) offset = result.value.now - ctx.now();
      else ctx.emit({ type: "fault.raise", fault: result.fault });
      for (const [i, known] of accounts.entries()) {
        const sent = charges[i];
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
  function sweep(also, ctx) {
    const now = ctx.now();
    const due = new Set(also);
    // One sweep at a time; one that has died with its request is not waited for.
    if (now >= sweepingUntil || now < sweepingUntil - 2 * timeoutMs)
      for (const known of table.owing()) {
        const waited = now - known.debtSince;
        const urgent =
          table.stats().owing > SWEEP_AT || waited >= settleAfter(known.windows) || waited < 0;
        if (!urgent || due.size >= SWEEP_SIZE) break;
        if (now >= known.heldUntil) due.add(known);
      }
    if (due.size === 0) return;
    if (due.size > also.length) sweepingUntil = now + timeoutMs;
    const swept = due.size > also.length;
    ctx.defer(
      call([...due], 0, 0, ctx).then(() => {
        if (swept) sweepingUntil = -Infinity;
      }),
    );
  }
  return { call, sweep, ledgerNow, unknown: () => unknown };
}
/** Of two states of a bucket at one instant the one that came after the other: use only grows. */
function laterOf(a, b) {
  return a.current + a.previous >= b.current + b.previous ? a : b;
}
