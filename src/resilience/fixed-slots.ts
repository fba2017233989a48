import { done } from "../core/faults.ts";
import {
  SLOT_PRIORITIES,
  type CreateSlots,
  type ReleaseSlot,
  type ShedReason,
  type SlotPriority,
  type SlotRequest,
} from "../core/origin-slots.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs } from "../core/time.ts";
import { allowedWaitOf, refusalOf } from "./slot-refusal.ts";

interface Waiter {
  readonly request: SlotRequest;
  readonly resolve: (result: Result<ReleaseSlot>) => void;
}

/** The bound of the queue, in calls for each slot. The loader of an application bounds continued calls. */
const WAITING_PER_SLOT = 16;

/**
 * Limits concurrent calls to a fixed number. Further calls wait, and get a slot in the order of their
 * classes and their arrival. A request that the platform ends never releases its slot, so slots expire.
 *
 * @see Nygard, "Release It!", bulkhead
 */
export const createFixedSlots: CreateSlots = (options) => {
  const { slots, slotWaitMs, now, random, withTimeout, onShed } = options;
  const taken = new Set<{ readonly since: EpochMs; readonly holdMs: number }>();
  const waiting: Waiter[] = [];

  function isFree(): boolean {
    const at = now();
    if (taken.size >= slots)
      for (const slot of taken)
        if (at < slot.since || at >= slot.since + slot.holdMs) taken.delete(slot);
    return taken.size < slots;
  }

  function take({ holdMs }: SlotRequest): ReleaseSlot {
    const slot = { since: now(), holdMs };
    taken.add(slot);
    return () => {
      if (taken.delete(slot)) serveWaiting();
    };
  }

  function serveWaiting(): void {
    while (waiting.length > 0 && isFree()) {
      const [{ request, resolve }] = waiting.splice(0, 1) as [Waiter];
      const isAbandoned = request.isAbandoned?.() === true;
      resolve(isAbandoned ? refuse(request.priority, "abandoned") : done(take(request)));
    }
  }

  function refuse(priority: SlotPriority, reason: ShedReason): Result<never> {
    onShed?.(priority, reason);
    return refusalOf(reason, taken.size, random);
  }

  return {
    async acquire(request) {
      const { priority } = request;
      serveWaiting();
      if (isFree()) return done(take(request));
      if (waiting.length >= WAITING_PER_SLOT * slots && priority !== "continued")
        return refuse(priority, "full");
      const { promise, resolve } = Promise.withResolvers<Result<ReleaseSlot>>();
      const waiter = { request, resolve };
      waiting.push(waiter);
      waiting.sort((a, b) => rankOf(a) - rankOf(b));
      try {
        return await withTimeout(promise, allowedWaitOf(request, slotWaitMs));
      } catch {
        const at = waiting.indexOf(waiter);
        if (at >= 0) waiting.splice(at, 1);
        // The call may have got a slot just before the timeout.
        else void promise.then((result) => result.ok && result.value());
        return refuse(priority, request.isAbandoned?.() === true ? "abandoned" : "late");
      }
    },
  };
};

function rankOf({ request }: Waiter): number {
  return SLOT_PRIORITIES.indexOf(request.priority);
}
