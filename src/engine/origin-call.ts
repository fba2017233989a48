/** One call of a loader: in its turn, under its deadline, and with what was known before it. */
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
  /** Takes a slot. After `holdMs` it counts as free even if it was not released. */
  acquire(waitMs: Millis, holdMs: Millis): Promise<Result<() => void>>;
}

/** How much longer than its load a request may keep its place before it counts as gone. */
const LOST_AFTER_MS: Millis = 5_000;

export interface OriginCallOptions {
  readonly coherence: Coherence;
  readonly slots: OriginSlots;
  readonly withTimeout: WithTimeout;
}

export interface OriginCall {
  readonly policy: Policy;
  readonly ctx: Context;
  readonly logReachable: boolean;
  /** How long it may wait for a place. */
  readonly waitMs: Millis;
}

export type CallOrigin = <T>(
  call: OriginCall,
  load: (signal: AbortSignal) => Promise<T>,
) => Promise<Result<{ readonly loaded: T; readonly moment: LoadStamp }>>;

export function createOriginCall({
  coherence,
  slots: places,
  withTimeout,
}: OriginCallOptions): CallOrigin {
  /** Requests that have a place. What they load inside a load needs no other: they would wait for themselves. */
  const inside = new WeakSet<Context>();

  return async (call, load) => {
    if (inside.has(call.ctx)) return run(call, load);
    const { originTimeoutMs } = call.policy;
    const waitMs = Math.min(originTimeoutMs, call.waitMs);
    const place = await places.acquire(waitMs, originTimeoutMs + LOST_AFTER_MS);
    if (!place.ok) return place;
    inside.add(call.ctx);
    try {
      return await run(call, load);
    } finally {
      inside.delete(call.ctx);
      place.value();
    }
  };

  async function run<T>(
    { policy, ctx, logReachable }: OriginCall,
    load: (signal: AbortSignal) => Promise<T>,
  ): Promise<Result<{ loaded: T; moment: LoadStamp }>> {
    // Who waited for its turn may know the log as it was before the wait.
    if (logReachable) await coherence.ensureCurrent(ctx.now(), policy.coherenceMs, ctx);
    const known = coherence.logPosition();
    const startedAt = ctx.now();
    const abort = new AbortController();
    const end = (outcome: string): void =>
      ctx.emit({ type: "step.end", step: "origin", ms: ctx.now() - startedAt, outcome });
    try {
      const loaded = await withTimeout(load(abort.signal), policy.originTimeoutMs);
      end("ok");
      return { ok: true, value: { loaded, moment: { ...known, startedAt, storedAt: ctx.now() } } };
    } catch (error) {
      abort.abort(error);
      const fault = originFaultOf(error);
      end(fault.code);
      return { ok: false, fault };
    }
  }
}
