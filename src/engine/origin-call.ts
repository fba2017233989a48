/** One call of a loader: with an origin slot, under a deadline, dated by the log position before it. */
import type { WithTimeout } from "../core/deadline.ts";
import type { LoadStamp } from "../core/entry.ts";
import { originFaultOf } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { Policy } from "../core/policy.ts";
import type { Millis } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";

/** Limits how many requests call the origin at once. */
export interface OriginSlots {
  /**
   * Waits for a slot and returns the function that releases it. After `holdMs` the slot is taken
   * back, in case the platform has ended the request that holds it.
   */
  acquire(waitMs: Millis, holdMs: Millis): Promise<Result<() => void>>;
}

/** How much longer than its load a request may hold its slot. */
const HOLD_SLACK_MS: Millis = 5_000;

export interface OriginCallOptions {
  readonly coherence: Coherence;
  readonly slots: OriginSlots;
  readonly withTimeout: WithTimeout;
}

export interface OriginCall {
  readonly policy: Policy;
  readonly ctx: Context;
  readonly logReachable: boolean;
  /** How long it may wait for a slot. */
  readonly waitMs: Millis;
}

export type CallOrigin = <T>(
  call: OriginCall,
  load: (signal: AbortSignal) => Promise<T>,
) => Promise<Result<{ readonly loaded: T; readonly stamp: LoadStamp }>>;

export function createOriginCall(options: OriginCallOptions): CallOrigin {
  const { coherence, slots, withTimeout } = options;
  /** Requests that hold a slot. Nested loads reuse it; otherwise they would deadlock. */
  const holders = new WeakSet<Context>();

  return async (call, load) => {
    if (holders.has(call.ctx)) return run(call, load);
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
    // The log view may have grown too old during the wait for a slot.
    if (logReachable) await coherence.ensureCurrent(ctx.now(), policy.coherenceMs, ctx);
    const position = coherence.logPosition();
    const startedAt = ctx.now();
    const abort = new AbortController();
    const end = (outcome: string): void =>
      ctx.emit({ type: "step.end", step: "origin", ms: ctx.now() - startedAt, outcome });
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
