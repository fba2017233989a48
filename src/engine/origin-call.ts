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
import type { EpochMs, Millis } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import { createLoadSlot } from "./load-slot.ts";
import type { RunningLoads } from "./running-loads.ts";

/** Limits how many loads call the origin at the same time. */
export interface OriginSlots {
  /**
   * Waits for a slot and returns the function that releases the slot. After `holdMs` the slot
   * becomes free in any case, because the platform may have ended the request that holds it.
   */
  acquire(waitMs: Millis, holdMs: Millis): Promise<Result<() => void>>;
  /** Does the same, before all waiting calls of `acquire`. */
  acquireFirst(waitMs: Millis, holdMs: Millis): Promise<Result<() => void>>;
}

/** A load may hold its slot for this much longer than its time limit. */
export const HOLD_SLACK_MS: Millis = 5_000;

export interface OriginCallOptions {
  readonly coherence: Coherence;
  readonly slots: OriginSlots;
  readonly loads: RunningLoads;
  readonly withTimeout: WithTimeout;
}

export interface OriginCall {
  readonly policy: Policy;
  readonly ctx: Context;
  readonly logReachable: boolean;
  /** False if the loader limits its calls itself. */
  readonly takesSlot: boolean;
  /** The longest time that the call may take, its wait for a slot included. */
  readonly waitMs: Millis;
}

export type CallOrigin = <T>(
  call: OriginCall,
  load: (signal: AbortSignal) => Promise<T>,
) => Promise<Result<{ readonly loaded: T; readonly stamp: LoadStamp }>>;

export function createOriginCall(options: OriginCallOptions): CallOrigin {
  const { coherence, slots, loads, withTimeout } = options;

  return async (call, load) => {
    const limitMs = Math.min(call.policy.originTimeoutMs, call.waitMs);
    if (!call.takesSlot) return run(call, limitMs, load);
    const { originTimeoutMs } = call.policy;
    const holdMs = originTimeoutMs + HOLD_SLACK_MS;
    const outer = loads.slot();
    const askedAt = call.ctx.now();
    const acquired =
      outer === undefined ? slots.acquire(limitMs, holdMs) : slots.acquireFirst(limitMs, holdMs);
    // The outer load waits for this one. If it kept its slot, the two could deadlock. The call is in
    // the queue before the slot is free, so that no new load gets the slot.
    outer?.giveBack();
    const release = await acquired;
    const waitedMs = Math.max(0, call.ctx.now() - askedAt);
    if (waitedMs > 0) emitSlotWait(call.ctx, askedAt, waitedMs, release);
    if (!release.ok) return release;
    const slot = createLoadSlot(release.value, () => slots.acquireFirst(originTimeoutMs, holdMs));
    try {
      return await loads.runWithSlot(slot, () => run(call, Math.max(0, limitMs - waitedMs), load));
    } finally {
      slot.end();
    }
  };

  async function run<T>(
    { policy, ctx, logReachable }: OriginCall,
    limitMs: Millis,
    load: (signal: AbortSignal) => Promise<T>,
  ): Promise<Result<{ loaded: T; stamp: LoadStamp }>> {
    // The log view may have become too old while the load waited for a slot.
    if (logReachable) await coherence.ensureCurrent(ctx.now(), policy.coherenceMs, ctx);
    const position = coherence.logPosition();
    const startedAt = ctx.now();
    const abort = new AbortController();
    const end = (outcome: string): void =>
      ctx.emit({ type: "step.end", step: "origin", startedAt, ms: ctx.now() - startedAt, outcome });
    try {
      const loaded = await withTimeout(load(abort.signal), limitMs);
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

function emitSlotWait(ctx: Context, startedAt: EpochMs, ms: Millis, { ok }: Result<unknown>): void {
  const outcome = ok ? "ok" : "origin.saturated";
  ctx.emit({ type: "step.end", step: "slot", startedAt, ms, outcome });
}
