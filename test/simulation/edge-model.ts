import { done, failed } from "../../src/core/faults.ts";
import type { Entry } from "../../src/core/entry.ts";
import type { Tier } from "../../src/core/tier.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** The edge tier of one data centre. If it is lossy, some of its calls fail. */
export function createEdgeModel(time: VirtualTime, isLossy: () => boolean): Tier {
  const entries = new Map<string, Entry>();
  const attempt = async <T>(work: () => T) => {
    await time.sleep(time.random() * 10);
    return isLossy() && time.random() < 0.02 ? failed("edge.unavailable", "edge") : done(work());
  };
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
}
