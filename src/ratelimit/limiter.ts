/** Decides whether a request passes: from memory, from a lease, or by asking the ledger. */
import type { WithTimeout } from "../core/deadline.ts";
import { fault, type Fault } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { balancesOf, fits, leaseOf, refusalOf, type AccountTable, type Known } from "./accounts.ts";
import { charge } from "./bucket.ts";
import { standingsOf, type Asked, type Decision } from "./decision.ts";
import type { Balance, Taken } from "./ledger.ts";
import type { Behaviour } from "./limit-policy.ts";
import { mayHaveRun, type Settlement } from "./settlement.ts";

export interface LimiterOptions {
  readonly settlement: Settlement;
  readonly table: AccountTable;
  readonly timeoutMs: Millis;
  /** A wait that ends after `ms`, whoever resolves the promise. */
  readonly withTimeout: WithTimeout;
}

export interface Limiter {
  /** Answers at once where it can: then nothing was asked of anybody. */
  decide(
    asked: readonly Asked[],
    cost: number,
    behaviour: Behaviour,
    ctx: Context,
  ): Decision | Promise<Decision>;
}

/** Requests of the same accounts that ask the ledger together. */
interface Batch {
  requests: number;
  readonly openedAt: number;
  answer: Promise<Result<Taken>>;
}

const NEVER = new Promise<never>(() => undefined);

export function createLimiter(options: LimiterOptions): Limiter {
  const { settlement, table, timeoutMs, withTimeout } = options;
  const batches = new Map<string, Batch>();
  const holdMs = 2 * timeoutMs;

  /** A refusal that this isolate remembers, counted down. */
  function remembered(
    asked: readonly Asked[],
    accounts: readonly Known[],
    cost: number,
    now: EpochMs,
  ): Decision | undefined {
    if (!accounts.some((known) => refusalOf(known, cost, now))) return undefined;
    const refusals = accounts.map((known) => refusalOf(known, cost, now));
    const balances = refusals.map((refusal) =>
      (refusal?.balances ?? []).map((balance) => later(balance, now - (refusal?.since ?? now))),
    );
    const standings = standingsOf(asked, balances);
    return { outcome: "refused", by: "memory", standings, now: settlement.ledgerTime(now) };
  }

  /** Whether every account has credit in this isolate, and room by what is known. */
  function lend(accounts: readonly Known[], cost: number, share: number, now: EpochMs): boolean {
    const ledgerNow = settlement.ledgerTime(now);
    for (const known of accounts) {
      if (now < known.heldUntil && now >= known.heldUntil - holdMs) return false;
      if (known.debt + known.flying + cost > leaseOf(known.windows, share)) return false;
      if (!fits(known, cost, ledgerNow)) return false;
    }
    for (const known of accounts) {
      table.owe(known, cost, now);
      if (isDue(known, share)) settlement.due(known);
    }
    return true;
  }

  /** Three quarters of its credit are used: the rest lasts until the answer is there. */
  function isDue(known: Known, share: number): boolean {
    return known.flying === 0 && known.debt * 4 >= leaseOf(known.windows, share) * 3;
  }

  /** By the isolate's own knowledge: from a lease, or alone while the ledger is away. */
  function own(
    asked: readonly Asked[],
    accounts: readonly Known[],
    outcome: "allowed" | "refused",
    by: "lease" | "local",
    cost: number,
    at: EpochMs,
  ): Decision {
    const now = settlement.ledgerTime(at);
    const ask = outcome === "refused" ? cost : 0;
    const balances = accounts.map((known) => balancesOf(known, now, ask));
    return { outcome, by, standings: standingsOf(asked, balances), now };
  }

  /** The decision of an answer for the request that was number `place` of its call. */
  function answered(asked: readonly Asked[], taken: Taken, place: number, cost: number): Decision {
    const allowed = place < taken.admitted;
    // Those behind in the same call had not been charged yet.
    const behind = allowed ? (taken.admitted - 1 - place) * cost : 0;
    const balances = taken.balances.map((list) =>
      list.map((balance) => ({
        ...balance,
        remaining: balance.remaining + behind,
        waitMs: allowed ? 0 : balance.waitMs,
      })),
    );
    const standings = standingsOf(asked, balances);
    return { outcome: allowed ? "allowed" : "refused", by: "ledger", standings, now: taken.now };
  }

  function unavailable(
    asked: readonly Asked[],
    accounts: readonly Known[],
    cost: number,
    behaviour: Behaviour,
    fault: Fault,
    ctx: Context,
  ): Decision {
    if (behaviour.onUnavailable !== "local") return { outcome: behaviour.onUnavailable, fault };
    const at = ctx.now();
    const now = settlement.ledgerTime(at);
    if (!accounts.every((known) => fits(known, cost, now)))
      return { ...own(asked, accounts, "refused", "local", cost, at), fault };
    for (const known of accounts) {
      // What may have been charged is only noted here; what was not is owed.
      if (mayHaveRun(fault))
        known.buckets = known.buckets.map((bucket, w) =>
          charge(bucket, known.windows[w]!, now, cost),
        );
      else table.owe(known, cost, at);
    }
    return { ...own(asked, accounts, "allowed", "local", cost, at), fault };
  }

  /** One running and one waiting call for the same accounts: whoever comes meanwhile joins the waiting one. */
  function join(
    accounts: readonly Known[],
    cost: number,
    ctx: Context,
  ): { batch: Batch; place: number } {
    const group = `${cost} ${accounts.map(({ key }) => key).join("\n")}`;
    let batch = batches.get(group);
    if (batch === undefined || ctx.now() - batch.openedAt > holdMs) {
      batch = { requests: 0, openedAt: ctx.now(), answer: NEVER };
      batches.set(group, batch);
      batch.answer = ask(batch, group, accounts, cost, ctx);
      // Others wait for it: it must not end with this request's client.
      ctx.defer(batch.answer);
    }
    return { batch, place: batch.requests++ };
  }

  /**
   * Asks for a whole batch, once no call is under way. A debt on its way must arrive
   * first: the ledger would give its tokens away once more.
   */
  async function ask(
    batch: Batch,
    group: string,
    accounts: readonly Known[],
    cost: number,
    ctx: Context,
  ): Promise<Result<Taken>> {
    const until = ctx.now() + timeoutMs;
    for (const known of accounts) known.heldUntil = ctx.now() + holdMs;
    // Whoever comes in the same turn joins.
    await Promise.resolve();
    for (;;) {
      const calls = accounts.flatMap((known) => known.calls);
      const leftMs = until - ctx.now();
      if (calls.length === 0 || leftMs <= 0) break;
      await withTimeout(Promise.allSettled(calls), leftMs).catch(() => undefined);
    }
    // From here on to the call nothing may come between.
    for (const known of accounts) known.heldUntil = -Infinity;
    if (batches.get(group) === batch) batches.delete(group);
    return settlement.call(accounts, cost, batch.requests, ctx);
  }

  async function askTogether(
    asked: readonly Asked[],
    accounts: readonly Known[],
    cost: number,
    behaviour: Behaviour,
    ctx: Context,
  ): Promise<Decision> {
    const { batch, place } = join(accounts, cost, ctx);
    const late = (): Result<Taken> => ({
      ok: false,
      fault: fault("redis.timeout", "the limiter's call did not end"),
    });
    const result = await withTimeout(batch.answer, 3 * timeoutMs).catch(late);
    return result.ok
      ? answered(asked, result.value, place, cost)
      : unavailable(asked, accounts, cost, behaviour, result.fault, ctx);
  }

  async function askAlone(
    asked: readonly Asked[],
    accounts: readonly Known[],
    cost: number,
    behaviour: Behaviour,
    ctx: Context,
  ): Promise<Decision> {
    const result = await settlement.call(accounts, cost, 1, ctx);
    return result.ok
      ? answered(asked, result.value, 0, cost)
      : unavailable(asked, accounts, cost, behaviour, result.fault, ctx);
  }

  return {
    decide(asked, cost, behaviour, ctx) {
      const now = ctx.now();
      const ledgerNow = settlement.ledgerTime(now);
      const accounts = asked.map(({ key, windows }) => table.get(key, windows, ledgerNow));
      const refusal = remembered(asked, accounts, cost, now);
      if (refusal !== undefined) return refusal;
      if (behaviour.mode === "strict") return askAlone(asked, accounts, cost, behaviour, ctx);
      if (lend(accounts, cost, behaviour.lease, now)) {
        settlement.sweep(now, ctx);
        return own(asked, accounts, "allowed", "lease", cost, now);
      }
      return askTogether(asked, accounts, cost, behaviour, ctx);
    },
  };
}

/** A balance as it is `passedMs` after it was reported. */
function later(balance: Balance, passedMs: Millis): Balance {
  return {
    ...balance,
    resetMs: Math.max(0, balance.resetMs - passedMs),
    waitMs: balance.waitMs === 0 ? 0 : Math.max(1, balance.waitMs - passedMs),
  };
}
