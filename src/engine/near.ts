/** Whether an entry that Redis has not just verified may answer a read. */
import { ageOf, softened, type Age, type Entry } from "../core/entry.ts";
import type { Policy } from "../core/policy.ts";
import type { EpochMs } from "../core/time.ts";
import type { Coherence, Reach } from "./coherence.ts";
import type { Read } from "./job.ts";

export type NearAnswer =
  | {
      readonly use: "serve";
      readonly entry: Entry;
      readonly age: Age;
      readonly unreachable: boolean;
    }
  | {
      readonly use: "drop";
      readonly reason: "invalidated" | "era" | "floor" | "unverified";
    }
  /** Cannot be told while the log is away. */
  | { readonly use: "skip" };

/** What the isolate can say by itself; `ask` if only the log can tell. */
export function judgeKnown(
  coherence: Coherence,
  entry: Entry,
  policy: Policy,
  reach: Reach,
  now: EpochMs,
): NearAnswer | "ask" {
  const verdict = coherence.judge(entry);
  if (verdict === "invalidated" || verdict === "era" || verdict === "floor")
    return { use: "drop", reason: verdict };
  const served = verdict === "soft" ? softened(entry, now) : entry;
  const answer = { use: "serve", entry: served, age: ageOf(served, now) } as const;
  if (reach === "current") return verdict === "unknown" ? "ask" : { ...answer, unreachable: false };
  // Loaded here while the log was away, by an isolate that has never heard of it.
  const trusted = verdict !== "unknown" || entry.era === "";
  const tooLong = silence(coherence, entry, now) > policy.unreachableForMs;
  if (policy.onUnreachable !== "serve" || !trusted || tooLong) return { use: "skip" };
  return { ...answer, unreachable: true };
}

/** The same without waiting: `ask` too if the isolate has not heard of the log of late. */
export function glance(coherence: Coherence, entry: Entry, read: Read): NearAnswer | "ask" {
  const { policy, startedAt, ctx } = read;
  if (!coherence.isCurrent(startedAt, policy.coherenceMs, ctx)) return "ask";
  return judgeKnown(coherence, entry, policy, "current", ctx.now());
}

/**
 * What is known of the log for this read: brought up to date if it must be. While the log
 * is away, who may be served without it is, and it is asked again behind the answer.
 */
export async function reachFor(
  coherence: Coherence,
  entries: readonly Entry[],
  { policy, startedAt, ctx }: Read,
): Promise<Reach> {
  if (coherence.isCurrent(startedAt, policy.coherenceMs, ctx)) return "current";
  const servesAlone = (entry: Entry): boolean => {
    const near = judgeKnown(coherence, entry, policy, "unreachable", ctx.now());
    return (
      near !== "ask" && near.use === "serve" && (near.age === "fresh" || near.age === "revalidate")
    );
  };
  if (!coherence.isAway(ctx.now()) || !entries.every(servesAlone))
    return coherence.ready(startedAt, policy.coherenceMs, ctx);
  coherence.probe(ctx);
  return "unreachable";
}

/** Judges `entry` for a read; asks the log if it must, once. */
export async function judgeNear(
  coherence: Coherence,
  entry: Entry,
  read: Read,
): Promise<NearAnswer> {
  const { policy, ctx } = read;
  // One question brings the numbers of its names, and the log with them.
  if (entry.era !== "" && coherence.judge(entry) === "unknown") return ask(coherence, entry, read);
  const reach = await reachFor(coherence, [entry], read);
  const known = judgeKnown(coherence, entry, policy, reach, ctx.now());
  return known === "ask" ? ask(coherence, entry, read) : known;
}

async function ask(coherence: Coherence, entry: Entry, { ctx }: Read): Promise<NearAnswer> {
  const verified = await coherence.verify(entry, ctx);
  if (verified === "unreachable") return { use: "skip" };
  if (verified === "invalid") return { use: "drop", reason: "unverified" };
  return { use: "serve", entry: verified, age: ageOf(verified, ctx.now()), unreachable: false };
}

/**
 * Whether what another reader's walk or flight brought may answer this read: as
 * if it came from a tier. `since` is an instant at which the value was current;
 * where no log can vouch for it, it must be as young as the coherence window, so
 * that the bound holds for a reader who waited for a reader who waited.
 */
export async function judgeShared(
  coherence: Coherence,
  entry: Entry,
  since: EpochMs,
  read: Read,
  unreachable = false,
): Promise<{ readonly age: Age; readonly unreachable: boolean } | undefined> {
  const { startedAt, policy, ctx } = read;
  // What is marked as outside the guarantee is handed on with the mark.
  if (unreachable) {
    const known = judgeKnown(coherence, entry, policy, "unreachable", ctx.now());
    return known !== "ask" && known.use === "serve" ? known : undefined;
  }
  const age = ageOf(entry, ctx.now());
  // Nothing that was acknowledged before this read began can be missing from it.
  if (since > startedAt) return { age, unreachable: false };
  const near = await judgeNear(coherence, entry, read);
  const young = since >= startedAt - policy.coherenceMs;
  if (near.use === "serve") return { age: near.age, unreachable: near.unreachable && !young };
  // Its leader may have lost the log, or this reader: neither says that it is invalid.
  const unknowable = near.use === "skip" || (near.reason === "era" && entry.era === "");
  return young && unknowable ? { age, unreachable: false } : undefined;
}

/** For how long nothing was heard that would have told of this entry's end. */
function silence(coherence: Coherence, entry: Entry, now: EpochMs): number {
  // An instant in the future is a clock that was set back: it bounds nothing.
  const spans = [coherence.silence(now), now - entry.storedAt].filter((span) => span >= 0);
  return Math.min(Number.POSITIVE_INFINITY, ...spans);
}
