/** Whether an entry of a near tier (memory, edge) may be served by this read. */
import { ageOf, type Age, type Entry } from "../core/entry.ts";
import type { Policy } from "../core/policy.ts";
import type { Context } from "../core/ports.ts";
import type { Coherence, Reach } from "./coherence.ts";
import type { EpochMs } from "../core/time.ts";

export type NearAnswer =
  | {
      readonly use: "serve";
      readonly entry: Entry;
      readonly age: Age;
      readonly unreachable: boolean;
    }
  | { readonly use: "drop"; readonly reason: "invalidated" | "era" | "floor" | "unverified" }
  /** Cannot be told while the log is away. */
  | { readonly use: "skip" };

/**
 * Judges `entry` for a read that began at `start`. Waits only if the isolate's
 * knowledge of the log is too old, or does not reach back to the entry.
 */
export function judgeNear(
  coherence: Coherence,
  entry: Entry,
  policy: Policy,
  start: EpochMs,
  ctx: Context,
): NearAnswer | Promise<NearAnswer> {
  const reach = coherence.ready(start, policy.coherenceMs, ctx);
  if (typeof reach !== "string")
    return reach.then((known) => decide(coherence, entry, policy, known, ctx));
  return decide(coherence, entry, policy, reach, ctx);
}

function decide(
  coherence: Coherence,
  entry: Entry,
  policy: Policy,
  reach: Reach,
  ctx: Context,
): NearAnswer | Promise<NearAnswer> {
  const now = ctx.now();
  const verdict = coherence.judge(entry);
  if (verdict === "invalidated" || verdict === "era" || verdict === "floor")
    return { use: "drop", reason: verdict };
  const softened = verdict === "soft" ? staleAt(entry, now) : entry;
  if (reach === "unreachable") {
    // Loaded here while the log was away, by an isolate that has never heard of it.
    const own = verdict === "unknown" && entry.era === "";
    const silence = Math.min(coherence.silence(now), now - entry.storedAt);
    const trusted = verdict !== "unknown" || own;
    if (policy.onUnreachable !== "serve" || !trusted || silence > policy.unreachableForMs)
      return { use: "skip" };
    return { use: "serve", entry: softened, age: ageOf(softened, now), unreachable: true };
  }
  if (verdict === "unknown") return ask(coherence, entry, ctx);
  return { use: "serve", entry: softened, age: ageOf(softened, now), unreachable: false };
}

async function ask(coherence: Coherence, entry: Entry, ctx: Context): Promise<NearAnswer> {
  const verified = await coherence.verify(entry, ctx);
  if (verified === "unreachable") return { use: "skip" };
  if (verified === "invalid") return { use: "drop", reason: "unverified" };
  return { use: "serve", entry: verified, age: ageOf(verified, ctx.now()), unreachable: false };
}

function staleAt(entry: Entry, now: EpochMs): Entry {
  return entry.freshUntil <= now ? entry : { ...entry, freshUntil: now };
}
