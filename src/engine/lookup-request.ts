import { freshnessOf, type Freshness, type Entry, type LoadResult } from "../core/entry.ts";
import type { Fault } from "../core/faults.ts";
import type { FlightScope, Policy, TierName } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { EpochMs, Millis } from "../core/time.ts";

/** One reader's wish for one key. */
export interface Read {
  readonly key: string;
  readonly policy: Policy;
  readonly ctx: Context;
  readonly startedAt: EpochMs;
  /** After this instant the reader wants an answer, whatever it is. */
  readonly deadlineAt: EpochMs;
}

/** What asking the tiers and the flight object may take beside the loads. */
const TIERS_MS: Millis = 2_500;

/**
 * A read that begins now. It has time for two loads: one that it waits for in
 * vain, and its own.
 */
export function beginRead(key: string, policy: Policy, ctx: Context): Read {
  const startedAt = ctx.now();
  const deadlineAt = startedAt + 2 * policy.originTimeoutMs + TIERS_MS;
  return { key, policy, ctx, startedAt, deadlineAt };
}

/** What is left of a read's time; never more than it began with, should the clock be set back. */
export function remaining({ ctx, startedAt, deadlineAt }: Read): Millis {
  return Math.max(0, Math.min(deadlineAt - ctx.now(), deadlineAt - startedAt));
}

/** A read on its way outward. */
export interface LookupRequest extends Read {
  /** `refresh` wants a fresh value; `serve` takes a stale one while a refresh runs. */
  readonly purpose: "serve" | "refresh";
  /** What memory holds and only the log can vouch for. */
  readonly unverified: Entry | undefined;
  /** A valid entry past its time, for when the origin fails. */
  readonly staleEntry: StaleEntry | undefined;
  /** What a tier has and the log has ended: of no use, but it shows that results are kept. */
  readonly invalidatedEntry: Entry | undefined;
  /** False if this read has already found the log unreachable. */
  readonly logReachable: boolean;
  /** Told what could be served late, before the load begins. */
  readonly onStaleEntry?: (held: StaleEntry) => void;
  load(signal: AbortSignal, held: Entry | undefined): Promise<LoadResult>;
  readonly freshnessOf: FreshnessOf;
  readonly flightScopeOf: FlightScopeOf;
}

/** Where an entry stands for a reader; others may see it otherwise. */
export type FreshnessOf = (entry: Entry, now: EpochMs) => Freshness;

/** Who else waits for a load, as far as what the tiers have of its key tells. */
export type FlightScopeOf = (held: Entry | undefined, ended: Entry | undefined) => FlightScope;

/** How far the flight of a job's load reaches. */
export function scopeOf({
  flightScopeOf: flight,
  staleEntry: held,
  invalidatedEntry: ended,
}: LookupRequest): FlightScope {
  return flight(held?.entry, ended);
}

/** Whether an entry that stands so answers the job. A refresh wants a later one than it has. */
export function isServable(
  entry: Entry,
  standing: Freshness,
  job: Pick<LookupRequest, "purpose" | "staleEntry">,
): boolean {
  if (job.purpose === "serve") return standing === "fresh" || standing === "revalidate";
  const held = job.staleEntry?.entry;
  return standing === "fresh" && (held === undefined || entry.storedAt > held.storedAt);
}

/** Whether what another reader has brought answers this one, who may ask for more. */
export function answersRequest(entry: Entry, job: LookupRequest): boolean {
  if (job.purpose === "serve" && job.freshnessOf === freshnessOf) return true;
  return isServable(entry, job.freshnessOf(entry, job.ctx.now()), job);
}

export interface StaleEntry {
  readonly entry: Entry;
  readonly unreachable: boolean;
}

/** What a walk through the tiers came to. */
export type LookupOutcome =
  | {
      readonly kind: "found";
      readonly entry: Entry;
      readonly tier: TierName;
      readonly stale: boolean;
      /** An instant at which the value was current. */
      readonly since: EpochMs;
      readonly unreachable: boolean;
    }
  | {
      readonly kind: "loaded";
      readonly entry: Entry;
      /** By another isolate's leader. */
      readonly joined: boolean;
      readonly stored: boolean;
      /** It takes the place of what was stored, and stale. */
      readonly renewed: boolean;
      readonly since: EpochMs;
      readonly unreachable: boolean;
    }
  | { readonly kind: "uncacheable" }
  | {
      readonly kind: "failed";
      readonly fault: Fault;
      /** The best that the tiers held past its time. */
      readonly fallback: StaleEntry | undefined;
    };
