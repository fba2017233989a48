/** How long a call waits for a slot, and the fault of a call that gets none. */
import { failed, fault } from "../core/faults.ts";
import type { ShedReason, SlotPriority, SlotRequest } from "../core/origin-slots.ts";
import type { Random } from "../core/random.ts";
import type { Result } from "../core/result.ts";
import type { Millis } from "../core/time.ts";

/** Refused clients come back after 1 to 4 s, each after another time, so that they do not come together. */
const RETRY_MS: Millis = 1_000;
const RETRY_JITTER_MS: Millis = 3_000;
/** These calls wait as long as they like: the others of their request are done, or no client waits. */
const PATIENT: ReadonlySet<SlotPriority> = new Set(["continued", "warm"]);

export const isPatient = (priority: SlotPriority): boolean => PATIENT.has(priority);

/** Returns the longest wait of a call. `slotWaitMs` is that of writes, reads and refreshes. */
export function allowedWaitOf({ priority, waitMs }: SlotRequest, slotWaitMs: Millis): Millis {
  return isPatient(priority) ? waitMs : Math.min(waitMs, slotWaitMs);
}

/** Returns the fault of a call that gets no slot while `running` calls have one. */
export function refusalOf(reason: ShedReason, running: number, random: Random): Result<never> {
  if (reason === "abandoned")
    return failed("origin.abandoned", "nobody waits for the call to the origin any more");
  const message = `no slot for a call to the origin: ${reason}, ${running} run`;
  const retryAfterMs = RETRY_MS + random() * RETRY_JITTER_MS;
  return { ok: false, fault: fault("origin.saturated", message, retryAfterMs) };
}
