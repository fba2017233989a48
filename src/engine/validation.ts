/**
 * Validation decides whether an entry may answer a read. `validateLocally` decides by the log view.
 * `validate` asks the log if the log view cannot decide. `validateShared` decides about the result
 * of another lookup. All three return a `Validation`.
 */
import { currentAtOf, freshnessOf, softened, type Freshness, type Entry } from "../core/entry.ts";
import type { Verdict } from "../core/log.ts";
import type { Policy } from "../core/policy.ts";
import type { EpochMs } from "../core/time.ts";
import type { Coherence, LogState } from "./coherence.ts";
import type { LookupRequest, Read } from "./lookup-request.ts";

type ServeValidation = Extract<Validation, { readonly use: "serve" }>;

export type Validation =
  /** The log allows the entry. `entry` is the copy to serve. Its freshness may forbid its use. */
  | {
      readonly use: "serve";
      readonly entry: Entry;
      readonly freshness: Freshness;
      readonly unreachable: boolean;
      /** An instant at which the value was current. */
      readonly currentAt: EpochMs;
    }
  /** The entry is invalid and will never be valid again. */
  | {
      readonly use: "drop";
      readonly reason: "invalidated" | "era" | "floor" | "unverified";
    }
  /** The log is unreachable, and the policy does not allow the entry to answer without it. */
  | { readonly use: "skip" };

/** `ask` means that the log view lacks numbers that may invalidate this entry, so the log must be asked. */
export type LocalValidation = Validation | { readonly use: "ask" };

export interface Validator {
  /** Decides by the log view alone, without waiting. */
  validateLocally(entry: Entry, policy: Policy, logState: LogState, now: EpochMs): LocalValidation;
  /**
   * Decides by the log view, after a sync if the view is too old. Asks the log at most once if the
   * view cannot decide.
   */
  validate(entry: Entry, read: Read): Promise<Validation>;
  /**
   * Decides whether the result of another lookup or of a flight may answer this read. The value was
   * current at the instant `currentAt`.
   *
   * If the log cannot confirm the entry, `currentAt` must be within the coherence window. Therefore the
   * coherence bound also holds if a lookup waited for a lookup that waited itself.
   */
  validateShared(
    entry: Entry,
    currentAt: EpochMs,
    read: Read,
    unreachable?: boolean,
  ): Promise<Validation>;
  /**
   * Brings the log view up to date for this read if the view is too old. The read does not wait if
   * the last syncs had no answer and all entries may be served without the log. In this case a sync
   * runs in the background.
   */
  logStateFor(entries: readonly Entry[], read: Read): Promise<LogState>;
}

const SKIP = { use: "skip" } as const;
const ASK = { use: "ask" } as const;

export function createValidator(coherence: Coherence): Validator {
  function validateLocally(
    entry: Entry,
    policy: Policy,
    logState: LogState,
    now: EpochMs,
  ): LocalValidation {
    const verdict = coherence.verdictOf(entry);
    const local = decideByView(entry, verdict, now, coherence.currentAt());
    return logState === "current" ? local : decideWithoutLog(entry, local, policy, now);
  }

  async function logStateFor(
    entries: readonly Entry[],
    { policy, startedAt, ctx }: Read,
  ): Promise<LogState> {
    if (coherence.isCurrent(startedAt, policy.coherenceMs, ctx)) return "current";
    const isServableAlone = (entry: Entry): boolean => {
      const local = validateLocally(entry, policy, "unreachable", ctx.now());
      return local.use === "serve" && answersWithoutLoad(local.freshness);
    };
    if (!coherence.isAway(ctx.now()) || !entries.every(isServableAlone))
      return coherence.ensureCurrent(startedAt, policy.coherenceMs, ctx);
    coherence.probe(ctx);
    return "unreachable";
  }

  async function validate(entry: Entry, read: Read): Promise<Validation> {
    const { policy, ctx } = read;
    // One request to Redis returns the log and the numbers of the entry's invalidation keys. The
    // reads of a new isolate share one sync first, which may decide for all of them.
    const isUnknown = entry.era !== "" && coherence.verdictOf(entry) === "unknown";
    if (isUnknown && coherence.hasLog()) return askLog(entry, read);
    const logState = await logStateFor([entry], read);
    const local = validateLocally(entry, policy, logState, ctx.now());
    return local.use === "ask" ? askLog(entry, read) : local;
  }

  async function askLog(entry: Entry, { ctx }: Read): Promise<Validation> {
    const verified = await coherence.verify(entry, ctx);
    if (verified === "unreachable") return SKIP;
    if (verified === "invalid") return { use: "drop", reason: "unverified" };
    return serve(verified, ctx.now(), coherence.currentAt());
  }

  return {
    validateLocally,
    validate,
    logStateFor,

    async validateShared(entry, currentAt, read, unreachable = false) {
      const { startedAt, policy, ctx } = read;
      // A value that another lookup served while the log was unreachable is served as unreachable again.
      if (unreachable) {
        const local = validateLocally(entry, policy, "unreachable", ctx.now());
        return local.use === "ask" ? SKIP : local;
      }
      const now = ctx.now();
      // The value was current after this read began, so it contains every write that was
      // acknowledged before the read.
      if (currentAt > startedAt) return serve(entry, now, currentAt);
      const validation = await validate(entry, read);
      const isRecent = currentAt >= startedAt - policy.coherenceMs;
      if (validation.use === "serve")
        return {
          ...validation,
          unreachable: validation.unreachable && !isRecent,
          currentAt: Math.max(currentAt, validation.currentAt),
        };
      // The leader or this isolate may have lost the log. In both cases the entry is not necessarily invalid.
      const isUndecided =
        validation.use === "skip" || (validation.reason === "era" && entry.era === "");
      return isRecent && isUndecided ? serve(entry, now, currentAt) : validation;
    },
  };
}

/** Decides by a log view that is recent enough for the read. It confirms what was current at `currentAt`. */
function decideByView(
  entry: Entry,
  verdict: Verdict,
  now: EpochMs,
  currentAt: EpochMs,
): LocalValidation {
  switch (verdict) {
    case "invalidated":
    case "era":
    case "floor":
      return { use: "drop", reason: verdict };
    case "unknown":
      return ASK;
    case "soft":
      return serve(softened(entry, now), now, currentAt);
    case "valid":
      return serve(entry, now, currentAt);
  }
}

/** Decides while the log cannot be reached. The policy limits the time for which entries may answer. */
function decideWithoutLog(
  entry: Entry,
  local: LocalValidation,
  { onUnreachable, unreachableForMs }: Policy,
  now: EpochMs,
): LocalValidation {
  if (local.use === "drop") return local;
  // An empty era means that this isolate loaded the entry before it had ever reached the log.
  const isTrusted = local.use === "serve" || entry.era === "";
  const currentAt = latest(local.use === "serve" ? local.currentAt : -Infinity, entry, now);
  if (onUnreachable !== "serve" || !isTrusted || now - currentAt > unreachableForMs) return SKIP;
  const served = local.use === "serve" ? local.entry : entry;
  return { ...serve(served, now, currentAt), unreachable: true };
}

function serve(entry: Entry, now: EpochMs, currentAt: EpochMs): ServeValidation {
  return {
    use: "serve",
    entry,
    freshness: freshnessOf(entry, now),
    unreachable: false,
    currentAt,
  };
}

/**
 * Returns the later of the instants at which the log confirmed the entry and at which its load
 * began. No invalidation before it was missed.
 */
function latest(confirmedAt: EpochMs, entry: Entry, now: EpochMs): EpochMs {
  // An instant in the future means that the clock was set back, so it is ignored.
  const instants = [confirmedAt, currentAtOf(entry)].filter((instant) => instant <= now);
  return Math.max(-Infinity, ...instants);
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

/** Whether a validated entry also meets the request's own rule for freshness. */
export function answersRequest(entry: Entry, request: LookupRequest): boolean {
  if (request.purpose === "serve" && request.freshnessOf === freshnessOf) return true;
  return isServable(entry, request.freshnessOf(entry, request.ctx.now()), request);
}
