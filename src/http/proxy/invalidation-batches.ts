import { createBoundedMap } from "../../core/bounded-map.ts";
import type { Context } from "../../core/context.ts";
import type { InvalidationKey, LogKey } from "../../core/invalidation-key.ts";
import type { Invalidation } from "../../core/invalidator.ts";
import type { Result } from "../../core/result.ts";
import type { EpochMs, Millis } from "../../core/time.ts";
import type { Invalidate } from "../../engine/invalidation-retry.ts";

/** The least time between two batches of an isolate. */
const BATCH_MS: Millis = 50;
/** How long the invalidations of a client wait at most that is above its bound. */
const SLOW_BATCH_MS: Millis = 1_000;
/** The bound: so many invalidating requests of one client in so much time. */
const MAX_OF_CLIENT = 10;
const CLIENT_WINDOW_MS: Millis = 10_000;
const MAX_CLIENTS = 1_000;
/** A batch with so many keys is due at once. */
const MAX_KEYS = 1_000;
/** After this time without an answer, the request that sent the batch has probably been ended. */
const LOST_AFTER_MS: Millis = 5_000;

export interface InvalidationBatchOptions {
  readonly invalidate: Invalidate;
  /** Invalidates in this isolate, without waiting. */
  readonly mark: (keys: readonly InvalidationKey[]) => void;
  /** Brings this isolate's log view up to date after a batch. */
  readonly sync: (ctx: Context) => Promise<unknown>;
}

export interface InvalidationBatches {
  /**
   * Invalidates in this isolate at once. Resolves when the log has acknowledged the keys; with
   * undefined if it has not, or not yet. `watched` are log keys whose numbers count for `previous`
   * of the answer.
   */
  add(
    keys: readonly InvalidationKey[],
    client: string,
    ctx: Context,
    watched?: readonly LogKey[],
  ): Promise<Invalidation | undefined>;
}

interface Batch {
  readonly keys: Set<InvalidationKey>;
  readonly watched: Set<LogKey>;
  dueAt: EpochMs;
  /** Undefined while it waits. */
  sent: Promise<Result<Invalidation>> | undefined;
}

/**
 * Sends the invalidations of an isolate to the log in batches, each with one script call. The
 * first goes at once, and those of the next 50 ms go together. A client that sends more than 10 in
 * 10 s waits for none of its further ones: they go with the next batch, after 1 s at most. No
 * invalidation is skipped, because another isolate may hold what this one does not.
 */
export function createInvalidationBatches(options: InvalidationBatchOptions): InvalidationBatches {
  const { invalidate, mark, sync } = options;
  const clients = createBoundedMap<string, { readonly since: EpochMs; count: number }>(MAX_CLIENTS);
  let quick: Batch | undefined;
  let slow: Batch | undefined;
  let lastSentAt: EpochMs = Number.NEGATIVE_INFINITY;

  function isAboveBound(client: string, now: EpochMs): boolean {
    const window = clients.get(client);
    // A start in the future shows that the clock was set back.
    if (window === undefined || now < window.since || now >= window.since + CLIENT_WINDOW_MS) {
      clients.set(client, { since: now, count: 1 });
      return false;
    }
    window.count++;
    return window.count > MAX_OF_CLIENT;
  }

  /** Sends all that waits. */
  function send(ctx: Context): Promise<Result<Invalidation>> {
    const batches = [quick, slow].filter((batch) => batch !== undefined);
    quick = undefined;
    slow = undefined;
    lastSentAt = ctx.now();
    const sent = invalidate(
      unionOf(batches.map(({ keys }) => keys)),
      ctx,
      unionOf(batches.map(({ watched }) => watched)),
    );
    for (const batch of batches) batch.sent = sent;
    // Loads of this isolate that begin after the sync know that they began after the invalidation.
    ctx.defer(sent.then(() => sync(ctx)));
    return sent;
  }

  /** Waits until the batch is due, sends it unless another request has, and returns the log's answer. */
  async function settle(
    batch: Batch,
    keys: readonly InvalidationKey[],
    ctx: Context,
    watched: readonly LogKey[],
  ): Promise<Result<Invalidation>> {
    // Every request has its own timer: a timer ends with the request that set it.
    const waitMs = Math.min(batch.dueAt - ctx.now(), SLOW_BATCH_MS);
    if (batch.sent === undefined && waitMs > 0) await sleep(waitMs);
    const answer = await within(batch.sent ?? send(ctx), LOST_AFTER_MS);
    return answer ?? invalidate(keys, ctx, watched);
  }

  function join(
    waiting: Batch | undefined,
    keys: readonly InvalidationKey[],
    watched: readonly LogKey[],
    dueAt: EpochMs,
  ): Batch {
    const batch = waiting ?? { keys: new Set(), watched: new Set(), dueAt, sent: undefined };
    for (const key of keys) batch.keys.add(key);
    for (const key of watched) batch.watched.add(key);
    if (batch.keys.size >= MAX_KEYS) batch.dueAt = Number.NEGATIVE_INFINITY;
    return batch;
  }

  return {
    async add(keys, client, ctx, watched = []) {
      mark(keys);
      const now = ctx.now();
      if (isAboveBound(client, now)) {
        slow = join(slow, keys, watched, now + SLOW_BATCH_MS);
        ctx.defer(settle(slow, keys, ctx, watched));
        return undefined;
      }
      // A batch in the future shows that the clock was set back.
      const dueAt = lastSentAt > now ? now : lastSentAt + BATCH_MS;
      quick = join(quick, keys, watched, dueAt);
      const settled = settle(quick, keys, ctx, watched);
      // The invalidation goes on if the client leaves.
      ctx.defer(settled);
      const answer = await settled;
      return answer.ok ? answer.value : undefined;
    },
  };
}

function unionOf<T>(sets: readonly ReadonlySet<T>[]): T[] {
  return [...new Set(sets.flatMap((set) => [...set]))];
}

function sleep(ms: Millis): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Returns `work`, or undefined after `ms`. */
async function within<T>(work: Promise<T>, ms: Millis): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
