/**
 * Makes one call of a loader: with an origin slot, under a deadline, and dated by the log position
 * before the call.
 */
import type { WithTimeout } from "../core/deadline.ts";
import type { LoadStamp } from "../core/entry.ts";
import { originFaultOf } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { Policy } from "../core/policy.ts";
import type { Millis } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";

/** Limits how many requests call the origin at the same time. */
export interface OriginSlots {
  /**
   * Waits for a slot and returns the function that releases the slot. After `holdMs` the slot
   * becomes free in any case, because the platform may have ended the request that holds it.
   */
  acquire(waitMs: Millis, holdMs: Millis): Promise<Result<() => void>>;
}

/** A request may hold its slot for this much longer than the time limit of its load. */
export const HOLD_SLACK_MS: Millis = 5_000;

export interface OriginCallOptions {
  readonly coherence: Coherence;
  readonly slots: OriginSlots;
  readonly withTimeout: WithTimeout;
}

export interface OriginCall {
  readonly policy: Policy;
  readonly ctx: Context;
  readonly logReachable: boolean;
  /** False if the loader limits its calls itself. */
  readonly takesSlot: boolean;
  /** The longest time that the call waits for a slot. */
  readonly waitMs: Millis;
}

export type CallOrigin = <T>(
  call: OriginCall,
  load: (signal: AbortSignal) => Promise<T>,
) => Promise<Result<{ readonly loaded: T; readonly stamp: LoadStamp }>>;

export function createOriginCall(options: OriginCallOptions): CallOrigin {
  const { coherence, slots, withTimeout } = options;
  /**
   * The requests that hold a slot. Nested loads use the slot of their request, because waiting for
   * another slot could deadlock.
   */
  const holders = new WeakSet<Context>();

  return async (call, load) => {
    if (!call.takesSlot || holders.has(call.ctx)) return run(call, load);
    const { originTimeoutMs } = call.policy;
    const waitMs = Math.min(originTimeoutMs, call.waitMs);
    const slot = await slots.acquire(waitMs, originTimeoutMs + HOLD_SLACK_MS);
    if (!slot.ok) return slot;
    holders.add(call.ctx);
    try {
      return await run(call, load);
    } finally {
      holders.delete(call.ctx);
      slot.value();
    }
  };

  async function run<T>(
    { policy, ctx, logReachable }: OriginCall,
    load: (signal: AbortSignal) => Promise<T>,
  ): Promise<Result<{ loaded: T; stamp: LoadStamp }>> {
    // The log view may have become too old while the request waited for a slot.
    if (logReachable) await coherence.ensureCurrent(ctx.now(), policy.coherenceMs, ctx);
    const position = coherence.logPosition();
    const startedAt = ctx.now();
    const abort = new AbortController();
    const end = (outcome: string): void =>
      ctx.emit({ type: "step.end", step: "origin", startedAt, ms: ctx.now() - startedAt, outcome });
    try {
      const loaded = await withTimeout(load(abort.signal), policy.originTimeoutMs);
      end("ok");
      const stamp = { ...position, startedAt, storedAt: ctx.now() };
      return { ok: true, value: { loaded, stamp } };
    } catch (error) {
      abort.abort(error);
      const fault = originFaultOf(error);
      end(fault.code);
      return { ok: false, fault };
    }
  }
}
