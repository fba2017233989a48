import { done } from "../core/faults.ts";
import {
  outcomeOf,
  type CallOutcome,
  type ReleaseSlot,
  type ShedReason,
  type SlotPriority,
  type SlotRequest,
  type Slots,
  type SlotsOptions,
  type SlotStats,
} from "../core/origin-slots.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { fixedLimit, type AdaptiveLimit } from "./adaptive-limit.ts";
import { createSlotLine, type Waiting } from "./slot-line.ts";
import { allowedWaitOf, isPatient, refusalOf } from "./slot-refusal.ts";

export interface Bulkhead extends Slots {
  readonly stats: () => SlotStats;
  /** Gives slots to waiting calls after `grantedSlots` has grown. */
  onGrant(): void;
}

export interface BulkheadOptions extends SlotsOptions {
  /** The number of slots in use follows it. Default: always `slots`. */
  readonly limit?: AdaptiveLimit;
  /**
   * The slots that a cap over all isolates leaves to this one, if `wanted` calls run and wait, of which
   * none holds its slot for longer than `holdMs`. Default: no cap.
   */
  readonly grantedSlots?: (wanted: number, holdMs: Millis) => number;
  /** The maximum number of slots of one client. Default: all. */
  readonly slotsPerClient?: number;
  /**
   * Whether the breaker of the origin refuses calls. The calls that hold the slots then hang, so that no
   * other call waits for them. Default: never.
   */
  readonly isOriginAway?: () => boolean;
}

interface Slot {
  readonly since: EpochMs;
  readonly holdMs: Millis;
  readonly client: string | undefined;
  readonly epoch: number;
}

interface Waiter extends Waiting {
  readonly request: SlotRequest;
  readonly resolve: (result: Result<ReleaseSlot>) => void;
}

/** The bound of the line, in calls for each slot. */
const WAITING_PER_SLOT = 16;
/** The weight of the last call in the mean time that a call holds its slot. */
const MEAN_WEIGHT = 0.1;

/**
 * Limits concurrent calls to a number of slots. Further calls wait in a line (`slot-line.ts`), or are
 * refused at once if they would wait in vain. A request that the platform ends never releases its
 * slot, so slots expire. A client that has its share waits, also if other slots are free.
 *
 * @see Nygard, "Release It!", bulkhead
 * @see Beyer et al., "Site Reliability Engineering", chapter 21, "Handling Overload"
 */
export function createBulkhead(options: BulkheadOptions): Bulkhead {
  const { slots, limit = fixedLimit(slots), grantedSlots = () => Infinity } = options;
  const { isOriginAway = () => false } = options;
  const { slotsPerClient = slots, slotWaitMs, now, random, withTimeout, onShed } = options;
  const taken = new Set<Slot>();
  /** The number of slots of each client that has any. */
  const held = new Map<string, number>();
  const line = createSlotLine<Waiter>(slotWaitMs);
  let meanHoldMs: Millis | undefined;
  let longestHoldMs: Millis = 0;

  /** The number of slots that may be in use, if `newCalls` want a slot beside those that run and wait. */
  function usable(newCalls = 0): number {
    const wanted = taken.size + line.size() + newCalls;
    return Math.min(slots, limit.current(), grantedSlots(wanted, longestHoldMs));
  }

  function take({ holdMs, client }: SlotRequest): ReleaseSlot {
    const slot = { since: now(), holdMs, client, epoch: limit.began(taken.size + 1) };
    taken.add(slot);
    if (client !== undefined) held.set(client, heldBy(client) + 1);
    return (outcome = "unknown") => {
      if (!free(slot)) return;
      if (outcome !== "unknown") observe(slot, outcome);
      serveWaiting();
    };
  }

  function observe({ since, epoch }: Slot, outcome: CallOutcome): void {
    const holdMs = Math.max(0, now() - since);
    meanHoldMs =
      meanHoldMs === undefined ? holdMs : meanHoldMs + MEAN_WEIGHT * (holdMs - meanHoldMs);
    limit.ended(epoch, outcome);
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

  /** Refuses the calls that have waited too long, and gives the free slots to those that wait. */
  function serveWaiting(): void {
    const at = now();
    for (const waiter of line.shed(at)) refuseWaiter(waiter, "overload");
    if (line.size() === 0) return;
    if (taken.size >= usable()) removeExpired();
    while (taken.size < usable()) {
      const waiter = line.next(at, ({ request }) => isWithinShare(request.client));
      if (waiter === undefined) return;
      if (waiter.request.isAbandoned?.() === true) refuseWaiter(waiter, "abandoned");
      else waiter.resolve(done(take(waiter.request)));
    }
  }

  function refuseWaiter({ priority, resolve }: Waiter, reason: ShedReason): void {
    resolve(refuse(priority, reason));
  }

  function refuse(priority: SlotPriority, reason: ShedReason): Result<never> {
    onShed?.(priority, reason);
    return refusalOf(reason, taken.size, random);
  }

  async function wait(request: SlotRequest): Promise<Result<ReleaseSlot>> {
    const { priority } = request;
    const since = now();
    const allowedMs = allowedWaitOf(request, slotWaitMs);
    const patienceMs = line.patienceOf(priority, since, allowedMs);
    if (isHopeless(priority, patienceMs)) return refuse(priority, "hopeless");
    // The loader of an application bounds the calls that continue a request.
    if (line.size() >= WAITING_PER_SLOT * slots && priority !== "continued") {
      const crowdedOut = line.crowdOut(priority, since);
      if (crowdedOut === undefined) return refuse(priority, "full");
      refuseWaiter(crowdedOut, "full");
    }
    const { promise, resolve } = Promise.withResolvers<Result<ReleaseSlot>>();
    const waiter = { priority, since, request, resolve };
    line.add(waiter, since);
    try {
      return await withTimeout(promise, patienceMs);
    } catch {
      // The line may have let go of the call just before the timeout, perhaps with a slot.
      if (!line.remove(waiter, now())) void promise.then((result) => result.ok && result.value());
      if (request.isAbandoned?.() === true) return refuse(priority, "abandoned");
      return refuse(priority, patienceMs < allowedMs ? "overload" : "late");
    }
  }

  /**
   * Whether the calls ahead hold the slots for longer than this call waits. A standing queue serves the
   * newest call first, so that nothing is ahead of it.
   */
  function isHopeless(priority: SlotPriority, patienceMs: Millis): boolean {
    if (isPatient(priority)) return false;
    if (isOriginAway()) return true;
    if (meanHoldMs === undefined) return false;
    if (line.isStanding(priority, now())) return false;
    return ((line.ahead(priority) + 1) * meanHoldMs) / Math.max(1, usable()) > patienceMs;
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
    async acquire(request) {
      longestHoldMs = Math.max(longestHoldMs, request.holdMs);
      serveWaiting();
      if (taken.size >= usable(1)) removeExpired();
      const isFree = taken.size < usable(1) && isWithinShare(request.client);
      return isFree ? done(take(request)) : wait(request);
    },
    stats: () => ({
      limit: Math.min(slots, limit.current(), grantedSlots(0, longestHoldMs)),
      running: taken.size,
      waiting: line.size(),
    }),
    outcomeOf,
    onGrant: serveWaiting,
  };
}
