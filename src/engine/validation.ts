/** Whether an entry that Redis has not just verified may answer a read. */
import { freshnessOf, softened, type Freshness, type Entry } from "../core/entry.ts";
import type { Policy } from "../core/policy.ts";
import type { EpochMs } from "../core/time.ts";
import type { Coherence, LogState } from "./coherence.ts";
import type { Read } from "./lookup-request.ts";

export type Validation =
  | {
      readonly use: "serve";
      readonly entry: Entry;
      readonly age: Freshness;
      readonly unreachable: boolean;
    }
  | {
      readonly use: "drop";
      readonly reason: "invalidated" | "era" | "floor" | "unverified";
    }
  /** Cannot be told while the log is away. */
  | { readonly use: "skip" };

/** What the isolate can say by itself; `ask` if only the log can tell. */
export function validateLocally(
  coherence: Coherence,
  entry: Entry,
  policy: Policy,
  reach: LogState,
  now: EpochMs,
): Validation | "ask" {
  const verdict = coherence.verdictOf(entry);
  if (verdict === "invalidated" || verdict === "era" || verdict === "floor")
    return { use: "drop", reason: verdict };
  const served = verdict === "soft" ? softened(entry, now) : entry;
  const answer = { use: "serve", entry: served, age: freshnessOf(served, now) } as const;
  if (reach === "current") return verdict === "unknown" ? "ask" : { ...answer, unreachable: false };
  // Loaded here while the log was away, by an isolate that has never heard of it.
  const trusted = verdict !== "unknown" || entry.era === "";
  const tooLong = silence(coherence, entry, now) > policy.unreachableForMs;
  if (policy.onUnreachable !== "serve" || !trusted || tooLong) return { use: "skip" };
  return { ...answer, unreachable: true };
}

/** The same without waiting: `ask` too if the isolate has not heard of the log of late. */
export function validateIfCurrent(
  coherence: Coherence,
  entry: Entry,
  read: Read,
): Validation | "ask" {
  const { policy, startedAt, ctx } = read;
  if (!coherence.isCurrent(startedAt, policy.coherenceMs, ctx)) return "ask";
  return validateLocally(coherence, entry, policy, "current", ctx.now());
}

/**
 * What is known of the log for this read: brought up to date if it must be. While the log
 * is away, who may be served without it is, and it is asked again behind the answer.
 */
export async function logStateFor(
  coherence: Coherence,
  entries: readonly Entry[],
  { policy, startedAt, ctx }: Read,
): Promise<LogState> {
  if (coherence.isCurrent(startedAt, policy.coherenceMs, ctx)) return "current";
  const servesAlone = (entry: Entry): boolean => {
    const near = validateLocally(coherence, entry, policy, "unreachable", ctx.now());
    return (
      near !== "ask" && near.use === "serve" && (near.age === "fresh" || near.age === "revalidate")
    );
  };
  if (!coherence.isAway(ctx.now()) || !entries.every(servesAlone))
    return coherence.ensureCurrent(startedAt, policy.coherenceMs, ctx);
  coherence.probe(ctx);
  return "unreachable";
}

/** Judges `entry` for a read; asks the log if it must, once. */
export async function validate(
  coherence: Coherence,
  entry: Entry,
  read: Read,
): Promise<Validation> {
  const { policy, ctx } = read;
  // One question brings the numbers of its names, and the log with them.
  if (entry.era !== "" && coherence.verdictOf(entry) === "unknown")
    return ask(coherence, entry, read);
  const reach = await logStateFor(coherence, [entry], read);
  const known = validateLocally(coherence, entry, policy, reach, ctx.now());
  return known === "ask" ? ask(coherence, entry, read) : known;
}

async function ask(coherence: Coherence, entry: Entry, { ctx }: Read): Promise<Validation> {
  const verified = await coherence.verify(entry, ctx);
  if (verified === "unreachable") return { use: "skip" };
  if (verified === "invalid") return { use: "drop", reason: "unverified" };
  return {
    use: "serve",
    entry: verified,
    age: freshnessOf(verified, ctx.now()),
    unreachable: false,
  };
}

/**
 * Whether what another reader's walk or flight brought may answer this read: as
 * if it came from a tier. `since` is an instant at which the value was current;
 * where no log can vouch for it, it must be as young as the coherence window, so
 * that the bound holds for a reader who waited for a reader who waited.
 */
export async function validateShared(
  coherence: Coherence,
  entry: Entry,
  since: EpochMs,
  read: Read,
  unreachable = false,
): Promise<{ readonly age: Freshness; readonly unreachable: boolean } | undefined> {
  const { startedAt, policy, ctx } = read;
  // What is marked as outside the guarantee is handed on with the mark.
  if (unreachable) {
    const known = validateLocally(coherence, entry, policy, "unreachable", ctx.now());
    return known !== "ask" && known.use === "serve" ? known : undefined;
  }
  const age = freshnessOf(entry, ctx.now());
  // Nothing that was acknowledged before this read began can be missing from it.
  if (since > startedAt) return { age, unreachable: false };
  const near = await validate(coherence, entry, read);
  const young = since >= startedAt - policy.coherenceMs;
  if (near.use === "serve") return { age: near.age, unreachable: near.unreachable && !young };
  // Its leader may have lost the log, or this reader: neither says that it is invalid.
  const unknowable = near.use === "skip" || (near.reason === "era" && entry.era === "");
  return young && unknowable ? { age, unreachable: false } : undefined;
}

/** For how long nothing was heard that would have told of this entry's end. */
function silence(coherence: Coherence, entry: Entry, now: EpochMs): number {
  // An instant in the future is a clock that was set back: it bounds nothing.
  const spans = [coherence.silenceMs(now), now - entry.storedAt].filter((span) => span >= 0);
  return Math.min(Number.POSITIVE_INFINITY, ...spans);
}
