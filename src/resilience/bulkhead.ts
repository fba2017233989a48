import { done, failed } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";
import { withTimeout } from "./deadline.ts";

/** Releases a slot. Calling it again has no effect. */
export type Release = () => void;

export interface Bulkhead {
  /**
   * Takes a slot. Waits at most `waitMs` milliseconds for one.
   *
   * @param holdMs after this long the slot counts as free even if it was not released
   * @param client whose share the slot counts in. Default: no share is checked.
   */
  acquire(waitMs: Millis, holdMs: Millis, client?: string): Promise<Result<Release>>;
  /** Does the same for no client, before all waiting calls of `acquire`. */
  acquireFirst(waitMs: Millis, holdMs: Millis): Promise<Result<Release>>;
}

export interface BulkheadOptions {
  readonly slots: number;
  /** The maximum number of slots of one client. Default: all. */
  readonly slotsPerClient?: number;
  readonly now: Clock;
}

interface Slot {
  readonly since: EpochMs;
  readonly holdMs: Millis;
  readonly client: string | undefined;
}

interface Waiter extends Omit<Slot, "since"> {
  readonly resolve: (release: Release) => void;
}

/**
 * Limits concurrent loads to a number of slots. Further loads wait in a queue, each for at most its
 * own time limit. A request that the platform ends never releases its slot, so slots expire. A client
 * that has its share waits, also if other slots are free.
 *
 * @see Nygard, "Release It!", bulkhead
 */
export function createBulkhead(options: BulkheadOptions): Bulkhead {
  const { slots, slotsPerClient = slots, now } = options;
  const taken = new Set<Slot>();
  /** The number of slots of each client that has any. */
  const held = new Map<string, number>();
  const queue = new Set<Waiter>();
  /** The waiting calls of `acquireFirst`. */
  const first = new Set<Waiter>();

  function take(holdMs: Millis, client: string | undefined): Release {
    const slot = { since: now(), holdMs, client };
    taken.add(slot);
    if (client !== undefined) held.set(client, heldBy(client) + 1);
    return () => {
      if (free(slot)) serveWaiting();
    };
  }

  /** Returns false if the slot was free already. */
  function free(slot: Slot): boolean {
    if (!taken.delete(slot)) return false;
    const { client } = slot;
    if (client === undefined) return true;
    if (heldBy(client) > 1) held.set(client, heldBy(client) - 1);
    else held.delete(client);
    return true;
  }

  /** Gives free slots to the waiting calls, in order, so that a new call cannot overtake them. */
  function serveWaiting(): void {
    if (taken.size >= slots) removeExpired();
    for (const waiters of [first, queue])
      for (const waiter of waiters) {
        if (taken.size >= slots) return;
        if (!isWithinShare(waiter.client)) continue;
        waiters.delete(waiter);
        waiter.resolve(take(waiter.holdMs, waiter.client));
      }
  }

  async function acquireFrom(
    waiters: Set<Waiter>,
    waitMs: Millis,
    holdMs: Millis,
    client: string | undefined,
  ): Promise<Result<Release>> {
    serveWaiting();
    if (taken.size < slots && isWithinShare(client)) return done(take(holdMs, client));
    const { promise, resolve } = Promise.withResolvers<Release>();
    const waiter = { holdMs, client, resolve };
    waiters.add(waiter);
    try {
      return done(await withTimeout(promise, waitMs));
    } catch {
      // The slot may have been given to this call just before the timeout. It is then released.
      if (!waiters.delete(waiter)) void promise.then((release) => release());
      return failed(
        "origin.saturated",
        `none of ${slots} slots for calls to the origin was free in time`,
      );
    }
  }

  function isWithinShare(client: string | undefined): boolean {
    if (client === undefined || heldBy(client) < slotsPerClient) return true;
    removeExpired();
    return heldBy(client) < slotsPerClient;
  }

  function heldBy(client: string): number {
    return held.get(client) ?? 0;
  }

  function removeExpired(): void {
    const at = now();
    for (const slot of taken) if (at < slot.since || at >= slot.since + slot.holdMs) free(slot);
  }

  return {
    acquire: (waitMs, holdMs, client) => acquireFrom(queue, waitMs, holdMs, client),
    acquireFirst: (waitMs, holdMs) => acquireFrom(first, waitMs, holdMs, undefined),
  };
}
