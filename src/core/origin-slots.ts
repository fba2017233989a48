/** The slots for calls of the origin, as loads, writes and the proxy use them. */
import type { WithTimeout } from "./deadline.ts";
import type { FaultCode } from "./faults.ts";
import type { Random } from "./random.ts";
import type { Result } from "./result.ts";
import type { Clock, Millis } from "./time.ts";

/**
 * The classes of calls, from the first that gets a free slot to the last:
 *
 * - `write`: a change of the origin.
 * - `continued`: a load of a request that has had a slot, inside its load or after it. To refuse it would
 *   waste what the request has done.
 * - `read`: the first load of a request. A client waits for it.
 * - `refresh`: a load that replaces an entry in the background.
 * - `warm`: a load of keys that no client has asked for yet.
 */
export const SLOT_PRIORITIES = ["write", "continued", "read", "refresh", "warm"] as const;
export type SlotPriority = (typeof SLOT_PRIORITIES)[number];

/**
 * The sign that a call gives of the origin. `good`: the origin answered within the target. `bad`: it was
 * slower, failed or did not answer. `unknown`: the call says nothing, for example because it waited for
 * something else.
 */
export type CallOutcome = "good" | "bad" | "unknown";

/**
 * Why a call got no slot.
 *
 * - `late`: it waited as long as it may
 * - `overload`: its class was overloaded, and it had waited for 8 % of the usual time
 * - `hopeless`: by the calls ahead of it, it would have waited longer than it may, or the breaker of the
 *   database is open
 * - `full`: too many calls wait
 * - `abandoned`: nobody waited for its result any more
 */
export type ShedReason = "late" | "overload" | "hopeless" | "full" | "abandoned";

/** Releases a slot. Default: `unknown`. Calling it again has no effect. */
export type ReleaseSlot = (outcome?: CallOutcome) => void;

export interface SlotRequest {
  readonly priority: SlotPriority;
  /** The longest time that the call waits for a slot. The slots may allow less. */
  readonly waitMs: Millis;
  /**
   * After this long the slot counts as free even if it was not released, because the platform may have
   * ended the request that holds it.
   */
  readonly holdMs: Millis;
  /** The client in whose share the slot counts. Default: no share is checked. */
  readonly client?: string | undefined;
  /** Whether nobody waits for the result any more. A waiting call that is abandoned gets no slot. */
  isAbandoned?(): boolean;
}

export interface Slots {
  /** Takes a slot, or waits for one. The fault is `origin.saturated` if it gets none. */
  acquire(request: SlotRequest): Promise<Result<ReleaseSlot>>;
  /** Returns what a call that took `ms` says about the origin. Undefined if the number of slots follows nothing. */
  readonly outcomeOf?: (ended: "ok" | FaultCode, ms: Millis, timeoutMs: Millis) => CallOutcome;
}

export interface SlotsOptions {
  /** The maximum number of calls that run at the same time. */
  readonly slots: number;
  /** The longest wait of writes, reads and refreshes. */
  readonly slotWaitMs: Millis;
  readonly now: Clock;
  readonly random: Random;
  readonly withTimeout: WithTimeout;
  readonly onShed?: (priority: SlotPriority, reason: ShedReason) => void;
}

/** Creates the slots of the loads of one isolate: `overload` of the entry `strata/overload` is one. */
export type CreateSlots = (options: SlotsOptions) => Slots;

export interface SlotStats {
  /** The number of calls that may run at the same time. */
  readonly limit: number;
  readonly running: number;
  readonly waiting: number;
}

/** A call may hold its slot for this much longer than its time limit. */
export const HOLD_SLACK_MS: Millis = 5_000;

/**
 * A call should take at most this share of its time limit: 1 s of 5 s. If more take longer, fewer calls
 * may run at the same time, before clients give up.
 */
const TARGET_SHARE = 0.2;

/** Faults that do not show how the origin is: it answered, or it was not called. */
const SAYS_NOTHING: ReadonlySet<FaultCode> = new Set([
  "origin.rejected",
  "origin.corrupt",
  "origin.saturated",
  "origin.abandoned",
  "origin.open",
]);

/** Returns what a call that took `ms` says about the origin. */
export function outcomeOf(ended: "ok" | FaultCode, ms: Millis, timeoutMs: Millis): CallOutcome {
  if (ended === "ok") return ms <= timeoutMs * TARGET_SHARE ? "good" : "bad";
  return SAYS_NOTHING.has(ended) ? "unknown" : "bad";
}
