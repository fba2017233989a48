/** Builds what tells an operator about keys and requests: `inspect`, `why` and the dry run. */
import type { KeyNotes } from "../core/key-notes.ts";
import { createInspector, type Inspect, type InspectorOptions } from "../engine/inspect.ts";
import type { Why, WhyOptions } from "../engine/why.ts";
import { createDryRun, type DryRun, type DryRunOptions } from "../http/routes/dry-run.ts";

export interface ExplanationParts {
  readonly tiers: InspectorOptions;
  readonly markers: Pick<WhyOptions, "hitForMiss" | "backoff">;
  readonly notes: KeyNotes;
  readonly dryRun: Omit<DryRunOptions, "inspect">;
}

/** The members of a layer that are built here. */
export interface Explanations {
  readonly inspect: Inspect;
  readonly why: Why;
  readonly refusalsOf: KeyNotes["refusalsOf"];
  createDryRun(): DryRun;
}

export function composeExplanations({
  tiers,
  markers,
  notes,
  dryRun,
}: ExplanationParts): Explanations {
  const inspect = createInspector(tiers);
  const { coherence } = tiers;
  return {
    inspect,
    // Evaluated when an operator first asks: the explanations of all reasons are 7 KB of text.
    why: async (...question) => {
      const { createWhy } = await import("../engine/why.ts");
      return createWhy({ inspect, coherence, notes, ...markers })(...question);
    },
    refusalsOf: notes.refusalsOf,
    createDryRun: () => createDryRun({ ...dryRun, inspect }),
  };
}
