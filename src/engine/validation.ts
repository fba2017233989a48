/**
 * Validation: deciding whether an entry may answer a read. `validateLocally` decides by the log
 * view; `validate` asks the log where the view cannot tell; `validateShared` decides about the
 * result of another reader's lookup. All three give a `Validation`.
 */
import { freshnessOf, softened, type Freshness, type Entry } from "../core/entry.ts";
import type { Verdict } from "../core/log.ts";
import type { Policy } from "../core/policy.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Coherence, LogState } from "./coherence.ts";
import type { LookupRequest, Read } from "./lookup-request.ts";

export type Validation =
  /** The log allows the entry. `entry` is the copy to serve; its freshness may still forbid it. */
  | {
      readonly use: "serve";
      readonly entry: Entry;
      readonly freshness: Freshness;
      readonly unreachable: boolean;
    }
  /** The entry is invalid for good. */
  | {
      readonly use: "drop";
      readonly reason: "invalidated" | "era" | "floor" | "unverified";
    }
  /** The log is unreachable and the policy does not let the entry answer without it. */
  | { readonly use: "skip" };

/** `ask`: the log view does not reach back to this entry. Only the log can tell. */
export type LocalValidation = Validation | { readonly use: "ask" };

export interface Validator {
  /** Decides by the log view alone, without waiting. */
  validateLocally(entry: Entry, policy: Policy, logState: LogState, now: EpochMs): LocalValidation;
  /** Decides by the log view, brought up to date if it must be, or by asking the log once. */
  validate(entry: Entry, read: Read): Promise<Validation>;
  /**
   * Decides whether the result of another reader's lookup or of a flight may answer this read.
   * `since` is an instant at which the value was current. Where the log cannot vouch for the
   * entry, `since` must lie within the coherence window, so that the staleness bound also holds
   * for a reader that waited for a reader that waited.
   */
  validateShared(
    entry: Entry,
    since: EpochMs,
    read: Read,
    unreachable?: boolean,
  ): Promise<Validation>;
  /**
   * Brings the log view up to date for this read if it must. While the log is away and all the
   * entries may be served without it, the read does not wait: a sync runs in the background.
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
    if (logState === "current") return decideByView(entry, verdict, now);
    const silenceMs = silenceFor(entry, coherence.silenceMs(now), now);
    return decideWithoutLog(entry, verdict, policy, silenceMs, now);
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
    // One request brings the numbers of the entry's keys and the log.
    if (entry.era !== "" && coherence.verdictOf(entry) === "unknown") return askLog(entry, read);
    const logState = await logStateFor([entry], read);
    const local = validateLocally(entry, policy, logState, ctx.now());
    return local.use === "ask" ? askLog(entry, read) : local;
  }

  async function askLog(entry: Entry, { ctx }: Read): Promise<Validation> {
    const verified = await coherence.verify(entry, ctx);
    if (verified === "unreachable") return SKIP;
    if (verified === "invalid") return { use: "drop", reason: "unverified" };
    return serve(verified, ctx.now(), false);
  }

  return {
    validateLocally,
    validate,
    logStateFor,

    async validateShared(entry, since, read, unreachable = false) {
      const { startedAt, policy, ctx } = read;
      // A value that was served outside the guarantee keeps its mark.
      if (unreachable) {
        const local = validateLocally(entry, policy, "unreachable", ctx.now());
        return local.use === "ask" ? SKIP : local;
      }
      const now = ctx.now();
      // The value was current after this read began: it contains all that was acknowledged before.
      if (since > startedAt) return serve(entry, now, false);
      const validation = await validate(entry, read);
      const isRecent = since >= startedAt - policy.coherenceMs;
      if (validation.use === "serve")
        return { ...validation, unreachable: validation.unreachable && !isRecent };
      // The leader or this reader may have lost the log. Neither means that the entry is invalid.
      const isUndecided =
        validation.use === "skip" || (validation.reason === "era" && entry.era === "");
      return isRecent && isUndecided ? serve(entry, now, false) : validation;
    },
  };
}

/** Decides by a log view that is recent enough for the read. */
function decideByView(entry: Entry, verdict: Verdict, now: EpochMs): LocalValidation {
  switch (verdict) {
    case "invalidated":
    case "era":
    case "floor":
      return { use: "drop", reason: verdict };
    case "unknown":
      return ASK;
    case "soft":
      return serve(softened(entry, now), now, false);
    case "valid":
      return serve(entry, now, false);
  }
}

/** Decides while the log cannot be reached: the policy says for how long entries may still answer. */
function decideWithoutLog(
  entry: Entry,
  verdict: Verdict,
  { onUnreachable, unreachableForMs }: Policy,
  silenceMs: Millis,
  now: EpochMs,
): LocalValidation {
  const local = decideByView(entry, verdict, now);
  if (local.use === "drop") return local;
  // An empty era: this isolate loaded the entry itself before it had ever reached the log.
  const isTrusted = local.use === "serve" || entry.era === "";
  if (onUnreachable !== "serve" || !isTrusted || silenceMs > unreachableForMs) return SKIP;
  return serve(local.use === "serve" ? local.entry : entry, now, true);
}

function serve(entry: Entry, now: EpochMs, unreachable: boolean): Validation {
  return { use: "serve", entry, freshness: freshnessOf(entry, now), unreachable };
}

/** For how long an invalidation of this entry could have been missed. */
function silenceFor(entry: Entry, logSilenceMs: Millis, now: EpochMs): Millis {
  // An instant in the future shows that the clock was set back. It bounds nothing.
  const spans = [logSilenceMs, now - entry.storedAt].filter((span) => span >= 0);
  return Math.min(Number.POSITIVE_INFINITY, ...spans);
}

/** Whether an entry of this freshness may answer at once: it is fresh, or a refresh follows the answer. */
export function answersWithoutLoad(freshness: Freshness): boolean {
  return freshness === "fresh" || freshness === "revalidate";
}

/** Whether an entry of this freshness answers the request. A refresh needs a later entry than it has. */
export function isServable(
  entry: Entry,
  freshness: Freshness,
  request: Pick<LookupRequest, "purpose" | "staleEntry">,
): boolean {
  if (request.purpose === "serve") return answersWithoutLoad(freshness);
  const former = request.staleEntry?.entry;
  return freshness === "fresh" && (former === undefined || entry.storedAt > former.storedAt);
}

/** Whether an entry that was validated for this request meets the request's own idea of freshness. */
export function answersRequest(entry: Entry, request: LookupRequest): boolean {
  if (request.purpose === "serve" && request.freshnessOf === freshnessOf) return true;
  return isServable(entry, request.freshnessOf(entry, request.ctx.now()), request);
}
