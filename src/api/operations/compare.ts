/** The operation that compares two settings over recorded traffic. */
import { CompareAnswer } from "../compare-answer.ts";
import { CompareQuery } from "../compare-inputs.ts";
import type { Operations } from "./operation.ts";

const prediction = {
  settings: "current",
  eviction: "sieve",
  maxBytes: 33_554_432,
  maxEntries: 20_000,
  memoryHitRatio: 0.91,
  hitRatio: 0.98,
  staleRatio: 0,
  loadsPerMinute: 12.5,
  loadMsPerMinute: 210,
  memoryBytes: 4_200_000,
  kindBytes: 3_100_000,
};

export const compareOperations: Operations = {
  "GET /admin/compare": {
    tag: "Admin",
    summary: "What two settings would do with the recorded reads of a kind",
    description:
      "Replays the sampled reads that the isolates have recorded through the memory tier, once for each of the settings. It loads nothing and changes nothing.",
    role: "read",
    query: CompareQuery,
    queryNotes: {
      kind: { description: "The kind: the first part of its keys.", example: "product" },
      a: {
        description:
          "`current`, or settings to try with commas between: `eviction`, `maxBytes` and `maxEntries` of memory, and `freshFor`, `staleWhileRevalidate` and `negativeFor` of the kind.",
        example: "current",
      },
      b: { description: "The other settings.", example: "eviction=lru,maxBytes=16000000" },
    },
    answers: {
      200: {
        description:
          "One prediction for each of the settings. Both are null if no reads of the kind were recorded.",
        body: CompareAnswer,
        example: {
          kind: "product",
          isolates: 1,
          kinds: ["product", "user"],
          rate: 1,
          from: "2026-01-01T12:00:00.000Z",
          to: "2026-01-01T12:10:00.000Z",
          sampledReads: 9_000,
          reads: 9_000,
          a: prediction,
          b: { ...prediction, settings: "eviction=lru,maxBytes=16000000", eviction: "lru" },
        },
      },
    },
    problems: ["comparison-busy"],
  },
};
