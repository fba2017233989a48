import type { Freshness, Entry, LoadResult } from "../core/entry.ts";
import type { Fault } from "../core/faults.ts";
import type { FlightScope, Policy, TierName } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { EpochMs, Millis } from "../core/time.ts";

/** Describes one read of one key by one reader. */
export interface Read {
  readonly key: string;
  readonly policy: Policy;
  readonly ctx: Context;
  readonly startedAt: EpochMs;
  /** The read ends by then, with a value or with a fault. */
  readonly deadlineAt: EpochMs;
  /** The time that is left for loads: those of other readers that this read waits for, and its own. */
  readonly loadMs: Millis;
}

/** A read with what the steps so far have found. Each step of the lookup returns an outcome or the next request. */
export interface LookupRequest extends Read {
  /** `serve` accepts a stale entry while a refresh runs; `refresh` needs a later entry than it has. */
  readonly purpose: "serve" | "refresh";
  /** An entry in memory that the log view cannot judge. */
  readonly unverified: Entry | undefined;
  /** A valid entry that is no longer fresh. It answers if the origin fails. */
  readonly staleEntry: StaleEntry | undefined;
  /** An invalidated entry: unusable, but it proves that the key is cacheable. */
  readonly invalidatedEntry: Entry | undefined;
  /** False once this read has found the log unreachable. */
  readonly logReachable: boolean;
  /** Called before the load begins, with an entry that the soft timeout may serve. */
  readonly onStaleEntry?: (staleEntry: StaleEntry) => void;
  readonly requestKindOf: LoadTask["requestKindOf"];
  /** Whether the load takes an origin slot. */
  readonly takesSlot: boolean;
  load(signal: AbortSignal, staleEntry: Entry | undefined): Promise<LoadResult>;
  readonly freshnessOf: FreshnessOf;
  readonly flightScopeOf: LoadTask["flightScopeOf"];
  readonly client: LoadTask["client"];
  /** Whether all readers of the lookup have left. A load that waits for a slot then ends. */
  isAbandoned(): boolean;
}

/**
 * How the engine loads one key. `staleEntry` is an entry that is no longer fresh and was not
 * invalidated; the origin may confirm that it is unchanged.
 */
export interface LoadTask {
  /** Loads for a reader that waits. It is called at most once. */
  load(signal: AbortSignal, staleEntry: Entry | undefined): Promise<LoadResult>;
  /** Loads for a refresh after the response. Default: `load`. */
  refresh?(signal: AbortSignal, staleEntry: Entry | undefined): Promise<LoadResult>;
  /** The kind of request, if its results can be unstorable for a reason that other kinds do not have. */
  readonly requestKindOf?: (() => string | undefined) | undefined;
  /** The freshness of an entry for this reader. Default: by the entry's instants alone. */
  freshnessOf?(entry: Entry, now: EpochMs): Freshness;
  /** How far the load is shared. Default: as the policy says. */
  readonly flightScopeOf?: FlightScopeOf;
  /** Whether the load takes an origin slot. False if the loader limits its calls itself. Default: true. */
  readonly takesSlot?: boolean;
  /**
   * The client whose request the load sends to the origin. The request may have provoked a failure,
   * so that a failed load answers no other reader until the loads of several clients have failed.
   * Default: the load is the same for all readers, and so is its failure.
   */
  readonly client?: (() => string) | undefined;
}

/** The freshness of an entry for one reader. Request directives can make it stricter than for others. */
export type FreshnessOf = (entry: Entry, now: EpochMs) => Freshness;

/** How far a load is shared, given what the tiers hold under its key. */
export type FlightScopeOf = (
  staleEntry: Entry | undefined,
  invalidatedEntry: Entry | undefined,
) => FlightScope;

export interface StaleEntry {
  readonly entry: Entry;
  readonly unreachable: boolean;
  /** An instant at which the value was current. */
  readonly currentAt: EpochMs;
}

/** The result of a lookup, before it is reported to a reader. */
export type LookupOutcome =
  /** A tier answered. */
  | {
      readonly kind: "found";
      readonly entry: Entry;
      readonly tier: TierName;
      readonly stale: boolean;
      /** An instant at which the value was current. */
      readonly currentAt: EpochMs;
      readonly unreachable: boolean;
    }
  /** A load answered. */
  | {
      readonly kind: "loaded";
      readonly entry: Entry;
      /** Another isolate loaded it. */
      readonly joined: boolean;
      readonly stored: boolean;
      /** It was made of stale values: it is not stored, and answers those who waited for it. */
      readonly momentary?: boolean;
      /** It replaces a stored entry that was stale. */
      readonly renewed: boolean;
      readonly currentAt: EpochMs;
      readonly unreachable: boolean;
    }
  /** The result may not be stored. Only the reader that loaded it has it. */
  | {
      readonly kind: "uncacheable";
      readonly currentAt: EpochMs;
      readonly unreachable: boolean;
      readonly unconfirmed: boolean;
    }
  | {
      readonly kind: "failed";
      readonly fault: Fault;
      /** The newest stale entry that the tiers held. */
      readonly fallback: StaleEntry | undefined;
    };

/** The time that is left until the deadline. A clock that was set back does not lengthen it. */
export function remaining({ ctx, startedAt, deadlineAt }: Read): Millis {
  return Math.max(0, Math.min(deadlineAt - ctx.now(), deadlineAt - startedAt));
}

/** This part of the time for loads is kept for a load of the read's own. */
export const OWN_PART = 0.25;

/** How long a read waits for the load of another reader at most, so that its own load has time left. */
export function patienceOf({ loadMs, policy }: Read): Millis {
  return Math.max(0, loadMs - policy.originTimeoutMs * OWN_PART);
}

/** Takes the time that a read waited for another load from its time for loads. */
export function afterWait<R extends Read>(read: R, waitedSince: EpochMs): R {
  const waitedMs = Math.max(0, read.ctx.now() - waitedSince);
  const ownMs = read.policy.originTimeoutMs * OWN_PART;
  return { ...read, loadMs: Math.max(ownMs, read.loadMs - waitedMs) };
}

/** The time that is left for a load that begins now. */
export function remainingForLoad(read: Read): Millis {
  return Math.min(remaining(read), read.loadMs);
}

/** How far the load of this request is shared. */
export function scopeOf({
  flightScopeOf,
  staleEntry,
  invalidatedEntry,
  policy,
}: LookupRequest): FlightScope {
  return flightScopeOf?.(staleEntry?.entry, invalidatedEntry) ?? policy.flight;
}

/**
 * Whether the failure of another reader's load answers this reader too. A full bulkhead and a hang
 * do: this reader would wait for the same. A load that all its readers had left does not.
 */
export function sharesFailure({ client }: Pick<LookupRequest, "client">, { code }: Fault): boolean {
  if (code === "origin.abandoned") return false;
  return client === undefined || code !== "origin.unavailable";
}

/** The outcome of a request whose load has failed. */
export function failedOutcome({ staleEntry }: LookupRequest, fault: Fault): LookupOutcome {
  return { kind: "failed", fault, fallback: staleEntry };
}

/** The outcome of a request that another load's failure answers. It reports the failure. */
export function reportedFailure(request: LookupRequest, fault: Fault): LookupOutcome {
  request.ctx.emit({ type: "fault.raise", fault });
  return failedOutcome(request, fault);
}
