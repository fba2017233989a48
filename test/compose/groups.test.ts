/** The groups of members of the layer, and the former names of these members. */
import { describe, expect, it } from "vitest";
import { createTestIsolate, uniqueNamespace } from "../support/isolate.ts";

describe("strata.admin and strata.jobs", () => {
  it("each member of strata.admin and of strata.jobs is also there under its former name, at the top level of the layer", () => {
    const { layer } = createTestIsolate({ namespace: uniqueNamespace() });
    const grouped = { ...layer.admin, ...layer.jobs };
    expect(Object.keys(grouped).toSorted()).toEqual([
      "compare",
      "consume",
      "createDryRun",
      "cron",
      "erase",
      "inspect",
      "logReachable",
      "messages",
      "metrics",
      "pending",
      "refusalsOf",
      "scheduled",
      "why",
    ]);
    for (const [name, member] of Object.entries(grouped))
      expect(layer[name as keyof typeof grouped], name).toBe(member);
  });
});
