/**
 * Decides whether an entry may answer a read. `validate` is the only place that decides it, for
 * entries of every tier, results of other lookups and flights, batches, and stale-if-error. It has
 * no I/O: its callers sync, or ask the log about the entry, and then call it again.
 */
import {
  currentAtOf,
  errorOnlyCopy,
  freshnessOf,
  softened,
  underPolicy,
  type Entry,
  type Freshness,
} from "../core/entry.ts";
import type { Verdict } from "../core/log.ts";
import type { Policy, TierName } from "../core/policy.ts";
import type { EpochMs } from "../core/time.ts";
import type { LogState } from "./coherence.ts";
import type { LookupOutcome, LookupRequest, Read } from "./lookup-request.ts";

export interface Served {
  readonly use: "serve";
  /** The copy to serve. After a soft invalidation it is stale. */
  readonly entry: Entry;
  /** The freshness by the entry's instants. It may forbid the use of the entry. */
  readonly freshness: Freshness;
  /** The log could not be asked, and the policy allows the answer. */
  readonly unreachable: boolean;
  /** An unconfirmed write may have changed the value. */
  readonly unconfirmed: boolean;
  /** The entry answers only a read whose load has failed, whatever its freshness says. */
  readonly onlyIfLoadFails: boolean;
  /** An instant at which the value was current. */
  readonly currentAt: EpochMs;
}

export type Validation =
  /** The log allows the entry. */
  | Served
  /** The log view lacks numbers that may invalidate this entry, so the log must be asked about it. */
  | { readonly use: "verify" }
  /** The entry is invalid and will never be valid again. */
  | { readonly use: "drop"; readonly reason: DropReason }
  /** The log is unreachable, and the policy does not allow the entry to answer without it. */
  | { readonly use: "skip" };

export type DropReason = "invalidated" | "era" | "floor" | "unverified";

/** What another lookup, or the flight of another isolate, says of its result. */
export interface EarlierResult {
  /** An instant at which the value was current. */
  readonly currentAt: EpochMs;
  /** The other lookup could not ask the log. */
  readonly unreachable: boolean;
}

/** The fields of a read by which an entry is validated. */
export type ValidatedRead = Pick<Read, "policy" | "startedAt">;

const VERIFY = { use: "verify" } as const;
const SKIP = { use: "skip" } as const;

/**
 * Decides whether an entry may answer `read`, with the lifetimes of the read's policy if they are shorter
 * than those that the entry was stored with.
 *
 * @param stored the entry as its tier holds it
 * @param verdict the verdict on the entry, by the log view or by the numbers of an answer
 * @param logState whether the log view or the answer is recent enough for the read
 * @param confirmedAt the instant at which the values that the verdict confirms were current
 * @param result set if the entry is the result of another lookup or of a flight
 */
export function validate(
  stored: Entry,
  verdict: Verdict,
  logState: LogState,
  confirmedAt: EpochMs,
  read: ValidatedRead,
  now: EpochMs,
  result?: EarlierResult,
): Validation {
  const entry = underPolicy(stored, read.policy);
  if (result === undefined) return byLog(entry, verdict, logState, confirmedAt, read.policy, now);
  // A value that another lookup served while the log was unreachable is served as unreachable again.
  if (result.unreachable)
    return byLog(entry, verdict, "unreachable", confirmedAt, read.policy, now);
  // The value was current after this read began, so it contains every write that was acknowledged
  // before the read.
  if (result.currentAt > read.startedAt) return serve(entry, now, result.currentAt);
  const validation = byLog(entry, verdict, logState, confirmedAt, read.policy, now);
  // However recent the value is, the unconfirmed write may have been made after it.
  if (verdict === "unconfirmed") return validation;
  return withResult(entry, validation, read, now, result);
}

/** Whether the state of the log can change the decision about the result of another lookup. */
export function dependsOnLog(result: EarlierResult | undefined, read: ValidatedRead): boolean {
  return result === undefined || (!result.unreachable && result.currentAt <= read.startedAt);
}

/** Whether an entry with this verdict may be stored, and the origin may confirm it. */
export function mayBeValid(verdict: Verdict): boolean {
  return verdict === "valid" || verdict === "soft" || verdict === "unknown";
}

function byLog(
  entry: Entry,
  verdict: Verdict,
  logState: LogState,
  confirmedAt: EpochMs,
  policy: Policy,
  now: EpochMs,
): Validation {
  switch (verdict) {
    case "invalidated":
    case "era":
    case "floor":
      return { use: "drop", reason: verdict };
    case "unknown":
      if (logState === "current") return VERIFY;
      // An empty era means that this isolate loaded the entry before it had ever reached the log.
      return entry.era === "" ? withoutLog(entry, entry, -Infinity, policy, now) : SKIP;
    case "soft":
    case "valid":
    case "unconfirmed": {
      const copy = verdict === "soft" ? softened(entry, now) : entry;
      const validation =
        logState === "current"
          ? serve(copy, now, confirmedAt)
          : withoutLog(entry, copy, confirmedAt, policy, now);
      return verdict === "unconfirmed" && validation.use === "serve"
        ? { ...ifLoadFails(validation, now), unconfirmed: true }
        : validation;
    }
  }
}

/**
 * Decides while the log cannot be reached. The policy limits the time for which entries may answer
 * before a load; after that, they answer if the load fails too.
 */
function withoutLog(
  entry: Entry,
  copy: Entry,
  confirmedAt: EpochMs,
  { onUnreachable, unreachableForMs }: Policy,
  now: EpochMs,
): Served | typeof SKIP {
  const currentAt = latest(confirmedAt, entry, now);
  if (onUnreachable !== "serve" || currentAt === -Infinity) return SKIP;
  const served = { ...serve(copy, now, currentAt), unreachable: true };
  return now - currentAt > unreachableForMs ? ifLoadFails(served, now) : served;
}

/**
 * Adds what the other lookup knows. If the log cannot confirm the value, the value must have been
 * current within the coherence window. Therefore the coherence bound also holds if a lookup waited
 * for a lookup that waited itself.
 */
function withResult(
  entry: Entry,
  validation: Validation,
  { startedAt, policy }: ValidatedRead,
  now: EpochMs,
  { currentAt }: EarlierResult,
): Validation {
  const isRecent = currentAt >= startedAt - policy.coherenceMs;
  switch (validation.use) {
    case "serve":
      // The value was current a moment ago, so the time without the log does not count.
      if (validation.onlyIfLoadFails && isRecent) return serve(entry, now, currentAt);
      return {
        ...validation,
        unreachable: validation.unreachable && !isRecent,
        currentAt: Math.max(currentAt, validation.currentAt),
      };
    case "verify":
      return validation;
    case "drop":
      // The leader may have had no log: its entry has no era, and is not necessarily invalid.
      if (!isRecent || validation.reason !== "era" || entry.era !== "") return validation;
      return serve(entry, now, currentAt);
    case "skip":
      return isRecent ? serve(entry, now, currentAt) : validation;
  }
}

function serve(entry: Entry, now: EpochMs, currentAt: EpochMs): Served {
  return {
    use: "serve",
    entry,
    freshness: freshnessOf(entry, now),
    unreachable: false,
    unconfirmed: false,
    onlyIfLoadFails: false,
    currentAt,
  };
}

/** Restricts an entry to reads whose load has failed. */
function ifLoadFails(served: Served, now: EpochMs): Served {
  const entry = errorOnlyCopy(served.entry, now);
  return { ...served, entry, freshness: freshnessOf(entry, now), onlyIfLoadFails: true };
}

/**
 * Returns the later of the instants at which the log confirmed the entry and at which its load
 * began. No invalidation before it was missed. Without such an instant, it is -Infinity.
 */
function latest(confirmedAt: EpochMs, entry: Entry, now: EpochMs): EpochMs {
  // An instant in the future means that the clock was set back, so it is ignored.
  return Math.max(...[confirmedAt, currentAtOf(entry)].filter((instant) => instant <= now));
}

/**
 * Whether an entry of this freshness may answer before a load ends. It is fresh, or a refresh
 * follows the answer.
 */
export function answersWithoutLoad(freshness: Freshness): boolean {
  return freshness === "fresh" || freshness === "revalidate";
}

/**
 * Whether an entry of this freshness answers the request. A refresh needs an entry newer than its
 * stale entry.
 */
export function isServable(
  entry: Entry,
  freshness: Freshness,
  request: Pick<LookupRequest, "purpose" | "staleEntry">,
): boolean {
  if (request.purpose === "serve") return answersWithoutLoad(freshness);
  const former = request.staleEntry?.entry;
  return freshness === "fresh" && (former === undefined || entry.storedAt > former.storedAt);
}

/** The outcome of a lookup that a tier answers. */
export type FoundOutcome = Extract<LookupOutcome, { readonly kind: "found" }>;

/** Returns the outcome of a lookup that a validated entry of a tier answers. */
export function foundIn(
  tier: TierName,
  { entry, currentAt, unreachable }: Served,
  freshness: Freshness,
): FoundOutcome {
  return { kind: "found", entry, tier, stale: freshness !== "fresh", currentAt, unreachable };
}

/** Whether a validated entry also meets the request's own rule for freshness. */
export function answersRequest(entry: Entry, request: LookupRequest): boolean {
  if (request.purpose === "serve" && request.freshnessOf === freshnessOf) return true;
  return isServable(entry, request.freshnessOf(entry, request.ctx.now()), request);
}
