/** The origin slot of a write. */
import type { Context } from "../core/context.ts";
import { CacheUnavailable, type FaultCode } from "../core/faults.ts";
import { HOLD_SLACK_MS, outcomeOf, type Slots } from "../core/origin-slots.ts";
import type { Millis } from "../core/time.ts";

/**
 * Takes a slot for a write and returns the function that releases it when the write has ended.
 *
 * @throws {CacheUnavailable} if there is none in time. Nothing was sent to the database.
 */
export type TakeWriteSlot = (ctx: Context) => Promise<(ended: "ok" | FaultCode) => void>;

export interface WriteSlotOptions {
  readonly slots: Slots;
  /** Whether a load that holds a slot makes the write. The write then runs in this slot. */
  readonly isInLoad: () => boolean;
  /** The time limit of a request to the database. */
  readonly timeoutMs: Millis;
}

export function createTakeWriteSlot(options: WriteSlotOptions): TakeWriteSlot {
  const { slots, isInLoad, timeoutMs } = options;
  return async (ctx) => {
    if (isInLoad()) return () => undefined;
    const holdMs = timeoutMs + HOLD_SLACK_MS;
    const slot = await slots.acquire({ priority: "write", waitMs: timeoutMs, holdMs });
    if (!slot.ok) {
      ctx.emit({ type: "fault.raise", fault: slot.fault });
      throw new CacheUnavailable(slot.fault);
    }
    const startedAt = ctx.now();
    return (ended) => slot.value(outcomeOf(ended, ctx.now() - startedAt, timeoutMs));
  };
}
