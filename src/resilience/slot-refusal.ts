/** How long a call waits for a slot, and the fault of a call that gets none. */
import { failed, fault } from "../core/faults.ts";
import type { ShedReason, SlotPriority, SlotRequest } from "../core/origin-slots.ts";
import type { Random } from "../core/random.ts";
import type { Result } from "../core/result.ts";
import type { Millis } from "../core/time.ts";

/** Refused clients come back after 1 to 4 s, each after another time, so that they do not come together. */
const RETRY_MS: Millis = 1_000;
const RETRY_JITTER_MS: Millis = 3_000;
/** Whether a call waits as long as it likes: the others of its request are done, or no client waits. */
export const isPatient = (priority: SlotPriority): boolean =>
  priority === "continued" || priority === "warm";

/** Returns the longest wait of a call. `slotWaitMs` is that of writes, reads and refreshes. */
export function allowedWaitOf({ priority, waitMs }: SlotRequest, slotWaitMs: Millis): Millis {
  return isPatient(priority) ? waitMs : Math.min(waitMs, slotWaitMs);
}

/** Returns the fault of a call that gets no slot while `running` calls have one. */
export function refusalOf(reason: ShedReason, running: number, random: Random): Result<never> {
  if (reason === "abandoned") return failed("origin.abandoned", "no reader waits");
  const message = `no slot: ${reason}, ${running} run`;
  const retryAfterMs = RETRY_MS + random() * RETRY_JITTER_MS;
  return { ok: false, fault: fault("origin.saturated", message, retryAfterMs) };
}
