/** The checks of the queries of `/admin/entry` and `/admin/limits`. */
import type { Context } from "hono";
import * as z from "zod/mini";
import { parse, queryOf } from "./inputs.ts";

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
