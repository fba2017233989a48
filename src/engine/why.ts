/** Gathers what is known of a key, and explains it to an operator. */
import type { Context } from "../core/context.ts";
import type { KeyNotes } from "../core/key-notes.ts";
import { checkKey } from "../core/key.ts";
import { definePolicy, MAX_LIFETIME_MS, type Policy } from "../core/policy.ts";
import type { Coherence } from "./coherence.ts";
import { explain, type Explanation } from "./explain.ts";
import type { HitForMiss } from "./hit-for-miss.ts";
import type { Inspect, TierReport } from "./inspect.ts";
import type { LoadBackoff } from "./load-backoff.ts";

/** The answer about one key. */
export interface WhyReport extends Explanation {
  /** The key that was asked about. */
  readonly key: string;
  /** The policy of the route, or else the one of the last load in this isolate. */
  readonly policy: Policy | undefined;
  /** The entry that each tier holds under the key, the nearest tier first. */
  readonly tiers: readonly TierReport[];
}

/**
 * Explains what a read of a key does now, and why the last read that no tier answered was not answered
 * by one. It loads nothing. It has the side effects of `Inspect`.
 *
 * @param policy the policy of the read, if it is known
 */
export type Why = (key: string, ctx: Context, policy?: Policy) => Promise<WhyReport>;

export interface WhyOptions {
  readonly inspect: Inspect;
  readonly coherence: Coherence;
  readonly hitForMiss: HitForMiss;
  readonly backoff: LoadBackoff;
  readonly notes: KeyNotes;
}

/** The defaults, for a key whose policy nothing tells. It leaves the lifetimes of entries as they are. */
const ANY: Policy = {
  ...definePolicy({ freshFor: "1m" }),
  freshForMs: MAX_LIFETIME_MS,
  negativeForMs: MAX_LIFETIME_MS,
  staleWhileRevalidateMs: MAX_LIFETIME_MS,
  staleIfErrorMs: MAX_LIFETIME_MS,
};

export function createWhy(options: WhyOptions): Why {
  const { inspect, coherence, hitForMiss, backoff, notes } = options;

  return async (key, ctx, known) => {
    checkKey(key);
    // The inspection brings the log view up to date.
    const tiers = await inspect(key, ctx);
    const now = ctx.now();
    const own = notes.of(key);
    const loaded = own.findLast((note) => "policy" in note);
    const policy = known ?? (loaded && "policy" in loaded ? loaded.policy : undefined);
    const explanation = explain({
      now,
      policy: policy ?? ANY,
      tiers,
      confirmedAt: coherence.currentAt(),
      logState: coherence.lastFailure() === undefined ? "current" : "unreachable",
      notes: own,
      isMarked: hitForMiss.has({ key }, now),
      pausedBy: backoff.recent(key, now),
    });
    return { key, policy, tiers, ...explanation };
  };
}
