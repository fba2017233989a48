/** Combines requests for the same accounts and cost into one call of the ledger. */
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
  /** The time limit of each call of the ledger. */
  readonly timeoutMs: Millis;
  /** For this long the accounts of a waiting batch give no credit, and further requests can join the batch. */
  readonly holdMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** The ledger's answer to a batch, and the position of one request in it. */
export interface BatchedResult {
  readonly result: Result<TakeResult>;
  readonly index: number;
}

export interface RequestBatches {
  /** Asks the ledger for the tokens of one request, in one call with other requests that wait for the same accounts. */
  ask(accounts: readonly LocalAccount[], cost: number, ctx: Context): Promise<BatchedResult>;
}

interface Batch {
  requests: number;
  readonly openedAt: EpochMs;
  answer: Promise<Result<TakeResult>>;
}

const NEVER = new Promise<never>(() => undefined);

/**
 * Makes sure that each group of accounts has at most one call that has not ended, and one batch
 * that waits for its end. Requests that arrive in the meantime join that batch.
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
    // The batch is deferred, because other requests wait for it too: it must continue if this
    // client disconnects.
    ctx.defer(batch.answer);
    return batch;
  }

  /**
   * Sends a batch after all earlier calls with its accounts have ended. An earlier call may carry a
   * debt: if the batch reached the ledger first, the ledger would grant those tokens again.
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
    // Yields to the microtasks of this turn of the event loop, so that requests of the same turn can join.
    await Promise.resolve();
    for (;;) {
      const calls = accounts.flatMap((account) => account.calls);
      const leftMs = waitUntil - ctx.now();
      if (calls.length === 0 || leftMs <= 0) break;
      await withTimeout(Promise.allSettled(calls), leftMs).catch(() => undefined);
    }
    // There is no `await` from here to the call, because a request that runs in between could take
    // credit or join too late.
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
