import type { Entry } from "../core/entry.ts";
import type { EpochMs } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import type { Job } from "./job.ts";

/**
 * Whether a value that another read came by may answer this one. `since` is an
 * instant at which the value was current: its load began then or later, or the log
 * vouched for it. So the bound holds for a reader who waited for a reader who waited.
 */
export async function mayAnswer(
  coherence: Coherence,
  entry: Entry,
  since: EpochMs,
  job: Job,
): Promise<boolean> {
  const { startedAt, policy, ctx } = job;
  // Nothing that was acknowledged before this read began can be missing from it.
  if (since >= startedAt) return true;
  const recent = since >= startedAt - policy.coherenceMs;
  if (!recent && (await coherence.ready(startedAt, policy.coherenceMs, ctx)) === "unreachable")
    return false;
  const verdict = coherence.judge(entry);
  if (verdict === "valid") return true;
  if (verdict === "invalidated" || verdict === "soft") return false;
  // No log vouches for it, and none needs to: its load was late enough.
  if (recent) return true;
  return verdict === "unknown" && typeof (await coherence.verify(entry, ctx)) !== "string";
}
