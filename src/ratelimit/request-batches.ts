/** Batches requests of the same accounts and cost into one call of the ledger. */
import type { Context } from "../core/context.ts";
import type { WithTimeout } from "../core/deadline.ts";
import { fault } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { TakeResult } from "./ledger.ts";
import type { LocalAccount } from "./local-account.ts";
import type { Settlement } from "./settlement.ts";

export interface RequestBatchesOptions {
  readonly settlement: Settlement;
  /** No call of the ledger takes longer. */
  readonly timeoutMs: Millis;
  /** How long the accounts of a waiting batch give no credit, and how long a batch can be joined. */
  readonly holdMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** The ledger's answer to a batch, and the position of one request in it. */
export interface BatchedResult {
  readonly result: Result<TakeResult>;
  readonly index: number;
}

export interface RequestBatches {
  /** Asks the ledger for one request, together with others that wait for the same accounts. */
  ask(accounts: readonly LocalAccount[], cost: number, ctx: Context): Promise<BatchedResult>;
}

interface Batch {
  requests: number;
  readonly openedAt: EpochMs;
  answer: Promise<Result<TakeResult>>;
}

const NEVER = new Promise<never>(() => undefined);

/**
 * Each group of accounts has at most one call under way and one batch that waits for it to end.
 * Requests that arrive in the meantime join the waiting batch.
 */
export function createRequestBatches(options: RequestBatchesOptions): RequestBatches {
  const { settlement, timeoutMs, holdMs, withTimeout } = options;
  const waiting = new Map<string, Batch>();

  function openBatch(
    group: string,
    accounts: readonly LocalAccount[],
    cost: number,
    ctx: Context,
  ): Batch {
    const batch: Batch = { requests: 0, openedAt: ctx.now(), answer: NEVER };
    waiting.set(group, batch);
    batch.answer = send(batch, group, accounts, cost, ctx);
    // Deferred, because other requests wait for it: it must outlive the client of this one.
    ctx.defer(batch.answer);
    return batch;
  }

  /**
   * Sends a batch once no call with its accounts is under way. A call under way may carry a debt:
   * if the batch arrived before it, the ledger would grant those tokens a second time.
   */
  async function send(
    batch: Batch,
    group: string,
    accounts: readonly LocalAccount[],
    cost: number,
    ctx: Context,
  ): Promise<Result<TakeResult>> {
    const waitUntil = ctx.now() + timeoutMs;
    for (const account of accounts) account.noCreditUntil = ctx.now() + holdMs;
    // Waits one turn, so that requests of the same turn can join.
    await Promise.resolve();
    for (;;) {
      const calls = accounts.flatMap((account) => account.calls);
      const leftMs = waitUntil - ctx.now();
      if (calls.length === 0 || leftMs <= 0) break;
      await withTimeout(Promise.allSettled(calls), leftMs).catch(() => undefined);
    }
    // No await from here to the call: a request in between could take credit or join too late.
    for (const account of accounts) account.noCreditUntil = -Infinity;
    if (waiting.get(group) === batch) waiting.delete(group);
    return settlement.take(accounts, cost, batch.requests, ctx);
  }

  return {
    async ask(accounts, cost, ctx) {
      const group = `${cost} ${accounts.map(({ key }) => key).join("\n")}`;
      let batch = waiting.get(group);
      if (batch === undefined || ctx.now() - batch.openedAt > holdMs)
        batch = openBatch(group, accounts, cost, ctx);
      const index = batch.requests++;
      const result = await withTimeout(batch.answer, 3 * timeoutMs).catch(
        (): Result<TakeResult> => ({
          ok: false,
          fault: fault("redis.timeout", "the limiter's call did not end"),
        }),
      );
      return { result, index };
    },
  };
}
