import type { Entry } from "../core/entry.ts";
import type { Fault } from "../core/faults.ts";
import type { Verdict } from "../core/log.ts";
import type { TierName } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { MemoryTier, Tier } from "../core/tier.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Coherence } from "./coherence.ts";

/** What one tier holds under a key, and whether the log lets it be used. */
export type TierReport =
  | { readonly tier: TierName; readonly state: "absent" }
  | { readonly tier: TierName; readonly state: "failed"; readonly fault: Fault }
  | {
      readonly tier: TierName;
      readonly state: "held";
      readonly entry: Entry;
      readonly verdict: Verdict;
    };

export interface InspectorOptions {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
  readonly coherence: Coherence;
}

/** Looks a key up in every tier, for an operator: it changes nothing and loads nothing. */
export type Inspect = (key: string, ctx: Context) => Promise<readonly TierReport[]>;

export function createInspector({ memory, edge, store, coherence }: InspectorOptions): Inspect {
  const held = (tier: TierName, entry: Entry | undefined): TierReport =>
    entry === undefined
      ? { tier, state: "absent" }
      : { tier, state: "held", entry, verdict: coherence.verdictOf(entry) };

  return async (key, ctx) => {
    // The tables of the log have to be current for what is said of the near tiers.
    await coherence.ensureCurrent(ctx.now(), 0, ctx);
    const [near, far] = await Promise.all([
      edge.get(key, ctx),
      store.read([key], coherence.since(), ctx),
    ]);
    return [
      held("memory", memory.peek(key)),
      near.ok ? held("edge", near.value) : { tier: "edge", state: "failed", fault: near.fault },
      far.ok
        ? held("redis", far.value.found[0]?.entry)
        : { tier: "redis", state: "failed", fault: far.fault },
    ];
  };
}
