/** The checks of what operators send: the queries of `/admin/entry` and `/admin/limits`, a warm-up, a level of service. */
import type { Context } from "hono";
import * as z from "zod/mini";
import { MAX_INTEGER, parse, queryOf } from "./inputs.ts";

/** The maximum number of ids in one warm-up. */
const MAX_WARM = 10_000;

const KEY = "must be a key of 1 to 512 characters";

/** The query that names an entry. */
export const EntryQuery = z.strictObject({
  key: z.string(KEY).check(z.minLength(1, KEY), z.maxLength(512, KEY)),
});

/** The query of the limits of an identity. */
export const LimitQuery = z.strictObject({
  plan: z.optional(
    z.string().check(z.regex(/^[\w.@~-]{1,128}$/, "must be the name of a plan, as in API_KEYS")),
  ),
});

/** Returns the key of an entry. @throws {ApiProblem} 400 if it is missing or malformed */
export function keyOf(c: Context): string {
  return parse(EntryQuery, queryOf(c)).key;
}

/** Returns the plan whose limits are asked for. @throws {ApiProblem} 400 if it is malformed */
export function planOf(c: Context): string | undefined {
  return parse(LimitQuery, queryOf(c)).plan;
}

/** The body of a warm-up: one kind, and either all of its ids or a list of ids; or the hottest of both kinds. */
export const Warm = z
  .strictObject({
    kind: z.enum(["products", "users", "hottest"], "must be products, users or hottest"),
    ids: z.optional(
      z
        .array(
          z
            .int("must be whole numbers")
            .check(
              z.gte(1, "must be at least 1"),
              z.lte(MAX_INTEGER, `must be at most ${MAX_INTEGER}`),
            ),
          "must be a list of ids",
        )
        .check(
          z.minLength(1, "must not be empty"),
          z.maxLength(MAX_WARM, `at most ${MAX_WARM} ids`),
        ),
    ),
  })
  .check(
    z.refine(({ kind, ids }) => kind !== "hottest" || ids === undefined, {
      error: "must be absent with the kind hottest",
      path: ["ids"],
    }),
  );

/** The body that sets the level of service, for at most a week. */
export const LevelPin = z.strictObject({
  level: z.enum(
    ["auto", "normal", "degraded", "minimal"],
    "must be auto, normal, degraded or minimal",
  ),
  minutes: z.optional(
    z
      .int("must be a whole number")
      .check(z.gte(1, "must be at least 1"), z.lte(10_080, "must be at most 10080")),
  ),
});
