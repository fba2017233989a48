/** The settings of the shop as clients send and get them. */
import * as z from "zod/mini";
import { Count, LINE, LINES, text } from "./inputs.ts";

/** The body that replaces the settings. */
export const WholeSettings = z.strictObject({
  shopName: text(1, 100, LINE),
  currency: z
    .string("must be text")
    .check(z.regex(/^[A-Z]{3}$/, "must be a code of ISO 4217, for example EUR")),
  freeShippingCents: Count,
  announcement: text(0, 1_000, LINES),
});

/** The settings in a response. */
export const Settings = z.strictObject({
  shopName: z.string(),
  currency: z.string(),
  freeShippingCents: z.int(),
  announcement: z.string(),
  updatedAt: z.iso.datetime(),
});
export type Settings = z.infer<typeof Settings>;
