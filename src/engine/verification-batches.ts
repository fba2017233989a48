/** Combines the verifications of an isolate into few requests to Redis. */
import type { Context } from "../core/context.ts";
import type { WithTimeout } from "../core/deadline.ts";
import type { Entry } from "../core/entry.ts";
import type { EpochMs, Millis } from "../core/time.ts";

/**
 * The maximum number of invalidation keys in one request, unless one entry alone has more. It bounds
 * the size of the request, and the time for which one script occupies Redis.
 */
export const MAX_VERIFIED_KEYS = 10_000;

/**
 * The copy of an entry that the log has confirmed, or the reason why there is none. `unconfirmed`: only
 * unconfirmed writes may have invalidated the entry.
 */
export type Verification = Entry | "unconfirmed" | "invalid" | "unreachable";

export interface VerificationBatchOptions {
  /** Asks the log about entries with one request. Returns their verifications in the same order. */
  readonly ask: (entries: readonly Entry[], ctx: Context) => Promise<readonly Verification[]>;
  /** The longest time that a lookup waits for its verification. */
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** Creates the function that asks the log about an entry. */
export type CreateVerifications = (
  options: VerificationBatchOptions,
) => (entry: Entry, ctx: Context) => Promise<Verification>;

interface Batch {
  readonly entries: Entry[];
  /** Undefined while further entries may join. */
  answer: Promise<readonly Verification[]> | undefined;
}

/**
 * Makes sure that one batch of verifications runs at a time. Entries that need a verification
 * meanwhile wait together and form the next batch. A batch is sent after its entries have joined, so
 * its answer is recent enough for all of their reads.
 *
 * Rejects with DeadlineExceeded if a verification takes longer than the timeout.
 */
export const createVerificationBatches: CreateVerifications = (options) => {
  const { ask, timeoutMs, withTimeout } = options;
  let waiting: Batch | undefined;
  let running: { readonly ended: Promise<unknown>; readonly startedAt: EpochMs } | undefined;

  function send(batch: Batch, ctx: Context): Promise<readonly Verification[]> {
    waiting = undefined;
    const requests = chunksOf(batch.entries).map((entries) => ask(entries, ctx));
    const answer = Promise.all(requests).then((answers) => answers.flat());
    const started = {
      startedAt: ctx.now(),
      ended: answer
        .catch(() => undefined)
        .finally(() => {
          if (running === started) running = undefined;
        }),
    };
    running = started;
    // Other requests wait for this batch, so it continues if this client disconnects.
    ctx.defer(started.ended);
    return answer;
  }

  async function join(entry: Entry, ctx: Context): Promise<Verification> {
    const batch = (waiting ??= { entries: [], answer: undefined });
    const index = batch.entries.push(entry) - 1;
    // If the running batch is older than the timeout, the platform has probably ended its request.
    const isRunning = running !== undefined && Math.abs(ctx.now() - running.startedAt) < timeoutMs;
    // Without a running batch, this still yields once, so that reads of the same turn can join.
    await (isRunning ? running?.ended : undefined);
    // Every waiting request can send the batch, because any of them may have ended by now.
    batch.answer ??= send(batch, ctx);
    const answer = await batch.answer;
    return answer[index] ?? "unreachable";
  }

  return (entry, ctx) => withTimeout(join(entry, ctx), timeoutMs);
};

/** Divides entries into requests of at most `MAX_VERIFIED_KEYS` invalidation keys. */
function chunksOf(entries: readonly Entry[]): Entry[][] {
  const chunks: Entry[][] = [];
  let room = 0;
  for (const entry of entries) {
    const size = entry.invalidationKeys.length;
    const last = chunks.at(-1);
    if (last === undefined || size > room) {
      chunks.push([entry]);
      room = MAX_VERIFIED_KEYS - size;
    } else {
      last.push(entry);
      room -= size;
    }
  }
  return chunks;
}
