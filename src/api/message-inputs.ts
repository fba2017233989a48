/** The checks of the input of views, payments and dead letters. */
import type { Context } from "hono";
import * as z from "zod/mini";
import { MAX_INTEGER, parse, queryOf } from "./inputs.ts";

const MessageId = z
  .string("must be text")
  .check(z.regex(/^[\w.~-]{1,64}$/, "must have 1 to 64 of A-Z, a-z, 0-9 and _.~-"));

/** The body of a view. `id` tells a repetition from another view. */
export const View = z.strictObject({
  productId: z
    .int("must be a whole number")
    .check(z.gte(1, "must be at least 1"), z.lte(MAX_INTEGER, `must be at most ${MAX_INTEGER}`)),
  id: z.optional(MessageId),
});

/** The body of a payment. */
export const Payment = z.strictObject({
  amountCents: z
    .int("must be a whole number")
    .check(z.gte(1, "must be at least 1"), z.lte(MAX_INTEGER, `must be at most ${MAX_INTEGER}`)),
});

/** The query of a list of dead letters. */
export const LetterList = z.strictObject({
  after: z.optional(
    z.pipe(
      z.pipe(
        z.string().check(z.regex(/^(?:0|[1-9]\d{0,14})$/, "must be a position")),
        z.transform((text) => Number(text)),
      ),
      z.int().check(z.gte(0), z.lte(999_999_999_999_999)),
    ),
  ),
});

/** Returns the position after which a list of dead letters begins. @throws {ApiProblem} 400 if it is malformed */
export function positionOf(c: Context): number {
  return parse(LetterList, queryOf(c)).after ?? 0;
}

/** The body of a replay of all dead letters. */
export const ReplayAll = z.strictObject({
  perSecond: z.optional(
    z
      .number("must be a number")
      .check(z.gte(0.01, "must be at least 0.01"), z.lte(1_000, "must be at most 1000")),
  ),
});
