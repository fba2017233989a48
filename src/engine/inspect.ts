import type { Entry } from "../core/entry.ts";
import type { Fault } from "../core/faults.ts";
import type { Invalidation } from "../core/key-notes.ts";
import { invalidationIn, type Verdict } from "../core/log.ts";
import type { TierName } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { MemoryTier, Tier } from "../core/tier.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Coherence } from "./coherence.ts";

/** The entry that one tier holds under a key, and the log's verdict on it. */
export type TierReport =
  | { readonly tier: TierName; readonly state: "absent" }
  | { readonly tier: TierName; readonly state: "failed"; readonly fault: Fault }
  | {
      readonly tier: TierName;
      readonly state: "held";
      readonly entry: Entry;
      readonly verdict: Verdict;
      /** The invalidation by which the log view rejects or softens the entry. */
      readonly by: Invalidation | undefined;
    };

export interface InspectorOptions {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
  readonly coherence: Coherence;
}

/**
 * Looks up a key in every tier, for an operator. It loads nothing and stores nothing, and the
 * eviction order does not count it as a use.
 *
 * It has two side effects: it brings this isolate's log view up to date, and the edge tier deletes
 * an entry that it cannot decode.
 */
export type Inspect = (key: string, ctx: Context) => Promise<readonly TierReport[]>;

export function createInspector({ memory, edge, store, coherence }: InspectorOptions): Inspect {
  const reportOf = (tier: TierName, entry: Entry | undefined): TierReport =>
    entry === undefined
      ? { tier, state: "absent" }
      : {
          tier,
          state: "held",
          entry,
          verdict: coherence.verdictOf(entry),
          by: invalidationIn(coherence.view, entry),
        };

  return async (key, ctx) => {
    // The log view must be current, because the verdicts come from it.
    await coherence.ensureCurrent(ctx.now(), 0, ctx);
    const [inEdge, inRedis] = await Promise.all([
      edge.get(key, ctx),
      store.read([key], coherence.since(), ctx),
    ]);
    return [
      reportOf("memory", memory.peek(key)),
      inEdge.ok
        ? reportOf("edge", inEdge.value)
        : { tier: "edge", state: "failed", fault: inEdge.fault },
      inRedis.ok
        ? reportOf("redis", inRedis.value.found[0]?.entry)
        : { tier: "redis", state: "failed", fault: inRedis.fault },
    ];
  };
}
