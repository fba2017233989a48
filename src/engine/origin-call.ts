/**
 * Makes one call of a loader: with an origin slot, under a deadline, and dated by the log position
 * before the call.
 */
import type { WithTimeout } from "../core/deadline.ts";
import type { LoadStamp } from "../core/entry.ts";
import { originFaultOf, type FaultCode } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import {
  HOLD_SLACK_MS,
  type CallOutcome,
  type ReleaseSlot,
  type SlotPriority,
  type SlotRequest,
  type Slots,
} from "../core/origin-slots.ts";
import type { Result } from "../core/result.ts";
import type { Policy } from "../core/policy.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import { createLoadSlot } from "./load-slot.ts";
import type { RunningLoads } from "./running-loads.ts";

export interface OriginCallOptions {
  readonly coherence: Coherence;
  readonly slots: Slots;
  readonly loads: RunningLoads;
  readonly withTimeout: WithTimeout;
}

export interface OriginCall {
  readonly policy: Policy;
  readonly ctx: Context;
  readonly logReachable: boolean;
  /** False if the loader limits its calls itself. */
  readonly takesSlot: boolean;
  /** The class of the call, unless it continues a request. */
  readonly priority: SlotPriority;
  /** The longest time that the call may take, its wait for a slot included. */
  readonly waitMs: Millis;
  /** Whether nobody waits for the load any more. Default: a reader always does. */
  isAbandoned?(): boolean;
}

export type CallOrigin = <T>(
  call: OriginCall,
  load: (signal: AbortSignal) => Promise<T>,
) => Promise<Result<{ readonly loaded: T; readonly stamp: LoadStamp }>>;

export function createOriginCall(options: OriginCallOptions): CallOrigin {
  const { coherence, slots, loads, withTimeout } = options;
  /** The first slot of each request. A request that has got it is carried on before new ones begin. */
  const admissions = new WeakMap<Context, Promise<Result<ReleaseSlot>>>();

  return async (call, load) => {
    const limitMs = Math.min(call.policy.originTimeoutMs, call.waitMs);
    if (!call.takesSlot) return run(call, limitMs, load);
    const { originTimeoutMs } = call.policy;
    const holdMs = originTimeoutMs + HOLD_SLACK_MS;
    const outer = loads.slot();
    const askedAt = call.ctx.now();
    const acquired =
      outer === undefined
        ? acquireFor(call, { waitMs: limitMs, holdMs })
        : slots.acquire({ priority: "continued", waitMs: limitMs, holdMs });
    // The outer load waits for this one. If it kept its slot, the two could deadlock. The call is in
    // the queue before the slot is free, so that no new load gets the slot.
    outer?.giveBack();
    const release = await acquired;
    const waitedMs = Math.max(0, call.ctx.now() - askedAt);
    if (waitedMs > 0) emitSlotWait(call.ctx, askedAt, waitedMs, release);
    if (!release.ok) return release;
    const slot = createLoadSlot(release.value, () =>
      slots.acquire({ priority: "continued", waitMs: originTimeoutMs, holdMs }),
    );
    let outcome: CallOutcome = "unknown";
    try {
      return await loads.runWithSlot(slot, () =>
        run(call, Math.max(0, limitMs - waitedMs), load, (result) => {
          outcome = result;
        }),
      );
    } finally {
      slot.end(outcome);
    }
  };

  /** Takes a slot for a load that no other load makes. The first one of a request decides about the request. */
  async function acquireFor(
    { ctx, priority, isAbandoned }: OriginCall,
    times: Pick<SlotRequest, "waitMs" | "holdMs">,
  ): Promise<Result<ReleaseSlot>> {
    const request = { priority, ...times, ...(isAbandoned && { isAbandoned }) };
    if (priority !== "read") return slots.acquire(request);
    const admission = admissions.get(ctx);
    if (admission !== undefined) {
      const first = await admission;
      if (first.ok) return slots.acquire({ ...request, priority: "continued" });
      if (first.fault.code !== "origin.abandoned") return first;
    }
    const acquired = slots.acquire(request);
    admissions.set(ctx, acquired);
    const result = await acquired;
    // A later load of the request tries again.
    if (!result.ok && admissions.get(ctx) === acquired) admissions.delete(ctx);
    return result;
  }

  async function run<T>(
    { policy, ctx, logReachable }: OriginCall,
    limitMs: Millis,
    load: (signal: AbortSignal) => Promise<T>,
    onOutcome?: (outcome: CallOutcome) => void,
  ): Promise<Result<{ loaded: T; stamp: LoadStamp }>> {
    // The log view may have become too old while the load waited for a slot.
    if (logReachable) await coherence.ensureCurrent(ctx.now(), policy.coherenceMs, ctx);
    const position = coherence.logPosition();
    const startedAt = ctx.now();
    const abort = new AbortController();
    const end = (outcome: "ok" | FaultCode): void => {
      const ms = ctx.now() - startedAt;
      onOutcome?.(slots.outcomeOf?.(outcome, ms, policy.originTimeoutMs) ?? "unknown");
      ctx.emit({ type: "step.end", step: "origin", startedAt, ms, outcome });
    };
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

function emitSlotWait(ctx: Context, startedAt: EpochMs, ms: Millis, result: Result<unknown>): void {
  const outcome = result.ok ? "ok" : result.fault.code;
  ctx.emit({ type: "step.end", step: "slot", startedAt, ms, outcome });
}
