/** The load step. It makes one call of the loader, and records what the result says about the key. */
import { isMomentary, type Entry, type LoadResult, type LoadStamp } from "../core/entry.ts";
import type { EventOf } from "../core/events.ts";
import { fault, type Fault, type FaultCode } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import type { HitForMiss } from "./hit-for-miss.ts";
import type { LoadBackoff } from "./load-backoff.ts";
import { remaining, remainingForLoad, type LookupRequest } from "./lookup-request.ts";
import type { CallOrigin } from "./origin-call.ts";
import type { EntryStore } from "./store-entry.ts";
import { mayBeValid } from "./validation.ts";

export type LoadedEntry =
  | {
      readonly kind: "entry";
      readonly entry: Entry;
      /** The start of the load, or an earlier instant at which a value that the loader read was current. */
      readonly currentAt: EpochMs;
      /** The result was made of stale values: it answers this reader and its followers alone. */
      readonly momentary: boolean;
    }
  /** A result that may not be stored. `says` is what it predicts: the later results of the key, those of this kind of request, or nothing. */
  | {
      readonly kind: "uncacheable";
      readonly says: "key" | "kind" | "nothing";
      readonly currentAt: EpochMs;
      readonly unreachable: boolean;
      readonly unconfirmed: boolean;
    }
  | { readonly kind: "failed"; readonly fault: Fault };

export type LoadEntry = (request: LookupRequest) => Promise<LoadedEntry>;

/** Calls the loader of a request, and dates the result. Reports a failure. */
export type CallLoader = (
  request: LookupRequest,
  load: (signal: AbortSignal) => Promise<LoadResult>,
) => Promise<Result<{ readonly loaded: LoadResult; readonly stamp: LoadStamp }>>;

export interface LoadStepOptions {
  readonly coherence: Coherence;
  readonly callLoader: CallLoader;
  readonly entryStore: EntryStore;
  readonly hitForMiss: HitForMiss;
  readonly backoff: LoadBackoff;
}

/**
 * Faults after which the next load of the key does not pause: no slot, no reader, an open breaker, and a
 * mistake of the program.
 */
const SAYS_NOTHING_OF_ORIGIN: ReadonlySet<FaultCode> = new Set([
  "origin.saturated",
  "origin.abandoned",
  "origin.open",
  "origin.corrupt",
]);

/** A negative result that the policy does not store. */
const NEGATIVE = { why: "negative", part: undefined } as const;

/** The outcome of the result in `load.end`. */
type LoadEnd = Omit<EventOf<"load.end">, "type" | "key" | "policy" | "ms">;

export function createLoadStep(options: LoadStepOptions): LoadEntry {
  const { coherence, callLoader, entryStore, hitForMiss, backoff } = options;

  /** Returns the stale entry. Returns undefined if the entry was invalidated during this read. */
  function confirmable({ staleEntry }: LookupRequest): Entry | undefined {
    return staleEntry !== undefined && mayBeValid(coherence.verdictOf(staleEntry.entry))
      ? staleEntry.entry
      : undefined;
  }

  return async (request) => {
    const { key, policy, ctx } = request;
    if (remaining(request) === 0) {
      const late = fault("origin.timeout", "the deadline is over");
      ctx.emit({ type: "fault.raise", fault: late });
      return { kind: "failed", fault: late };
    }
    const startedAt = ctx.now();
    const end = (event: LoadEnd): void =>
      ctx.emit({ type: "load.end", key, policy, ms: ctx.now() - startedAt, ...event });

    const called = await callLoader(request, (signal) =>
      request.load(signal, confirmable(request)),
    );
    if (!called.ok) {
      end({ outcome: "failed", fault: called.fault.code });
      if (!SAYS_NOTHING_OF_ORIGIN.has(called.fault.code))
        backoff.failed(key, called.fault, ctx.now(), request.client?.());
      return { kind: "failed", fault: called.fault };
    }
    backoff.succeeded(key);
    const { loaded, stamp } = called.value;
    const currentAt = Math.min(stamp.startedAt, loaded.currentAt ?? Infinity);
    const entry = entryStore.createEntry(key, policy, loaded, stamp);
    if (entry === undefined) {
      const { why, part } = loaded.storable ? NEGATIVE : loaded;
      end({ outcome: "uncacheable", why, part });
      const says = predictionOf(loaded, request);
      if (says !== "nothing") hitForMiss.add(says === "key" ? { key } : request, stamp.storedAt);
      const unreachable = !loaded.storable && loaded.unreachable === true;
      const unconfirmed = !loaded.storable && loaded.unconfirmed === true;
      return { kind: "uncacheable", says, currentAt, unreachable, unconfirmed };
    }
    const { freshUntil, kind } = entry;
    const bytes = entry.body.length;
    end({ outcome: "stored", bytes, freshUntil, negative: kind === "absent" });
    hitForMiss.delete(request);
    return { kind: "entry", entry, currentAt, momentary: isMomentary(loaded, stamp) };
  };
}

export function createCallLoader(callOrigin: CallOrigin): CallLoader {
  return (request, load) => callFor(callOrigin, request, load);
}

/** Makes one call of a loader with the settings of a request. Reports a failure. */
export async function callFor<T>(
  callOrigin: CallOrigin,
  request: LookupRequest,
  load: (signal: AbortSignal) => Promise<T>,
): Promise<Result<{ readonly loaded: T; readonly stamp: LoadStamp }>> {
  const { policy, ctx, logReachable, takesSlot, purpose } = request;
  const priority = purpose === "refresh" ? "refresh" : "read";
  const isAbandoned = (): boolean => request.isAbandoned();
  const waitMs = remainingForLoad(request);
  const called = await callOrigin(
    { policy, ctx, logReachable, takesSlot, priority, waitMs, isAbandoned },
    load,
  );
  if (!called.ok) ctx.emit({ type: "fault.raise", fault: called.fault });
  return called;
}

function predictionOf(
  loaded: LoadResult,
  { requestKindOf }: LookupRequest,
): "key" | "kind" | "nothing" {
  if (loaded.storable) return "key";
  if (loaded.oneOff === true) return "nothing";
  if (loaded.ofKind !== true) return "key";
  return requestKindOf?.() === undefined ? "nothing" : "kind";
}
