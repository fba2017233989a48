/** A model of the edge tiers of data centres. */
import type { Entry } from "../../src/core/entry.ts";
import { done, failed } from "../../src/core/faults.ts";
import type { Tier } from "../../src/core/tier.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface Edges {
  /** Returns the edge tier of one data centre. */
  edgeOf(colo: string): Tier;
}

export function createEdges(time: VirtualTime, isLossy: () => boolean): Edges {
  const edges = new Map<string, Map<string, Entry>>();
  const attempt = async <T>(work: () => T) => {
    await time.sleep(time.random() * 10);
    return isLossy() && time.random() < 0.02 ? failed("edge.unavailable", "edge") : done(work());
  };

  return {
    edgeOf(colo) {
      const entries = edges.get(colo) ?? new Map<string, Entry>();
      edges.set(colo, entries);
      return {
        name: "edge",
        get: (key, ctx) =>
          attempt(() => {
            const entry = entries.get(key);
            return entry !== undefined && entry.deleteAt > ctx.now() ? entry : undefined;
          }),
        // A write to the edge may arrive late; `asOf` makes that harmless.
        set: async (entry) => {
          await time.sleep(time.random() * 400);
          return attempt(() => void entries.set(entry.key, entry));
        },
        delete: (names) => attempt(() => names.forEach((key) => entries.delete(key))),
      };
    },
  };
}
