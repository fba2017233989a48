/** The answer of `GET /admin/compare`. The route imports the type alone, so that the schema is not in the bundle. */
import * as z from "zod/mini";

/** Ratios are from 0 to 1. */
const Prediction = z.strictObject({
  settings: z.string(),
  eviction: z.string(),
  maxBytes: z.int(),
  maxEntries: z.int(),
  memoryHitRatio: z.number(),
  hitRatio: z.number(),
  staleRatio: z.number(),
  loadsPerMinute: z.number(),
  loadMsPerMinute: z.number(),
  memoryBytes: z.int(),
  kindBytes: z.int(),
});

export const CompareAnswer = z.strictObject({
  kind: z.string(),
  isolates: z.int(),
  kinds: z.array(z.string()),
  rate: z.number(),
  from: z.nullable(z.string()),
  to: z.nullable(z.string()),
  sampledReads: z.int(),
  reads: z.int(),
  a: z.nullable(Prediction),
  b: z.nullable(Prediction),
});

export type CompareAnswer = z.infer<typeof CompareAnswer>;
