/** The answer of `GET /admin/why`. The route imports the type alone, so that the schema is not in the bundle. */
import * as z from "zod/mini";

const Reason = z.strictObject({ code: z.string(), text: z.string() });

const KeyReport = z.strictObject({
  key: z.string(),
  /** Durations in milliseconds. Null if nothing in this isolate has read the key. */
  policy: z.nullable(z.record(z.string(), z.unknown())),
  tags: z.array(z.string()),
  tiers: z.array(z.record(z.string(), z.unknown())),
  next: Reason,
  last: z.nullable(
    z.strictObject({ at: z.string(), status: z.string(), missed: Reason, result: Reason }),
  ),
});

export const WhyAnswer = z.strictObject({
  /** The answer of the route to a dry run, and what it means. Null for a question about a key. */
  route: z.nullable(z.strictObject({ status: z.int(), why: Reason })),
  keys: z.array(KeyReport),
});

export type WhyAnswer = z.infer<typeof WhyAnswer>;
