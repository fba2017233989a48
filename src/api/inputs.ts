/** The checks of all input that clients send. The error response names each wrong field and the reason. */
import type { Context } from "hono";
import * as z from "zod/mini";
import { readBody } from "./body.ts";
import { ApiProblem } from "./errors.ts";

/** The largest value of the type `integer` of Postgres. */
export const MAX_INTEGER = 2_147_483_647;
const MAX_PAGE = 100_000;
/** The maximum number of users in one batch read. */
const MAX_USERS = 100;
/** The maximum number of names in one purge. */
const MAX_TARGETS = 1_000;
const CURSOR = "must be the cursor of an erasure, of 1 to 1024 characters";

const DIGITS = /^[1-9]\d{0,9}$/;

function wholeNumber(max: number, message: string) {
  const digits = z.string(message).check(z.regex(DIGITS, message));
  return z.pipe(
    z.pipe(
      digits,
      z.transform((text) => Number(text)),
    ),
    z.number().check(z.lte(max, message)),
  );
}

/** An id in a path or in a list of ids. */
export const Id = wholeNumber(MAX_INTEGER, `must be a whole number from 1 to ${MAX_INTEGER}`);

/** The query of a list of products. */
export const ProductList = z.strictObject({
  page: z.optional(wholeNumber(MAX_PAGE, `must be a whole number from 1 to ${MAX_PAGE}`)),
  category: z.optional(Id),
});

function distinctIds(text: string): string[] {
  return [...new Set(text.split(","))];
}

/** The query of a batch of users. */
export const UserBatch = z.strictObject({
  ids: z.pipe(
    z.pipe(z.string("is required: ids separated by commas"), z.transform(distinctIds)),
    z.array(Id).check(z.maxLength(MAX_USERS, `at most ${MAX_USERS} ids`)),
  ),
});

const Nothing = z.strictObject({});

/** A whole number that a column of the type `integer` can store, from 0 on. */
export const Count = z
  .int("must be a whole number")
  .check(z.gte(0, "must be at least 0"), z.lte(MAX_INTEGER, `must be at most ${MAX_INTEGER}`));

/**
 * A text that Postgres and JSON can store: well-formed, and without control characters other than
 * those that the pattern allows. Postgres has no NUL, and JSON no broken surrogates.
 */
export function text(minLength: number, maxLength: number, pattern: RegExp) {
  return z
    .string("must be text")
    .check(
      z.trim(),
      z.minLength(minLength, "must not be empty"),
      z.maxLength(maxLength, `must have at most ${maxLength} characters`),
      z.regex(pattern, "must not contain control characters or broken surrogates"),
    );
}

/**
 * One line with at least one visible character. Only the first class can match white space at the
 * start, so that a text that does not match is refused after one pass.
 */
export const LINE =
  // oxlint-disable-next-line no-control-regex -- matching control characters is the point
  /^[^\S\u0000-\u001f\u007f\ud800-\udfff]*[^\s\u0000-\u001f\u007f\ud800-\udfff][^\u0000-\u001f\u007f\ud800-\udfff]*$/u;
/** Lines and tabs. */
// oxlint-disable-next-line no-control-regex -- matching control characters is the point
export const LINES = /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ud800-\udfff]*$/u;

const Product = {
  name: text(1, 200, LINE),
  description: text(0, 5_000, LINES),
  priceCents: Count,
  categoryId: z
    .int("must be a whole number")
    .check(z.gte(1, "must be at least 1"), z.lte(MAX_INTEGER, `must be at most ${MAX_INTEGER}`)),
  stock: Count,
};

/** All fields of a product that a client sets. The server sets the other fields. */
export const WholeProduct = z.strictObject(Product);
export type WholeProduct = z.infer<typeof WholeProduct>;

/** At least one field of a product. */
export const PartialProduct = z
  .partial(WholeProduct)
  .check(
    z.refine(
      (product) => Object.keys(product).length > 0,
      "must name at least one field to change",
    ),
  );
export type PartialProduct = z.infer<typeof PartialProduct>;

const Delta = z
  .int("must be a whole number")
  .check(z.gte(-MAX_INTEGER, "is too small"), z.lte(MAX_INTEGER, "is too large"));

/** The body sets a new quantity (`stock`), or adds to the present quantity (`delta`). */
export const StockChange = z
  .strictObject({ stock: z.optional(Count), delta: z.optional(Delta) })
  .check(
    z.refine(
      ({ stock, delta }) => (stock === undefined) !== (delta === undefined),
      'must have either "stock" or "delta"',
    ),
  );

const names = () =>
  z.optional(
    z
      .array(z.string("must be text"), "must be a list of texts")
      .check(z.maxLength(MAX_TARGETS, `at most ${MAX_TARGETS} of one kind`)),
  );

export const Purge = z
  .strictObject({
    tags: names(),
    keys: names(),
    prefixes: names(),
    everything: z.optional(z.boolean("must be true or false")),
    soft: z.optional(z.boolean("must be true or false")),
    erase: z.optional(z.boolean("must be true or false")),
    cursor: z.optional(z.string(CURSOR).check(z.minLength(1, CURSOR), z.maxLength(1_024, CURSOR))),
  })
  .check(
    z.refine(
      ({ tags, keys, prefixes, everything }) =>
        everything === true || [tags, keys, prefixes].some((names) => names?.length),
      'must name "tags", "keys", "prefixes" or "everything"',
    ),
  );

/**
 * Returns the id in the path. @throws {ApiProblem} 400 if it is malformed, so that a malformed id
 * never becomes a key
 */
export function idOf(c: Context): number {
  const text = c.req.param("id");
  // The schema is slower. It is needed only to describe an error.
  const id = text !== undefined && DIGITS.test(text) ? Number(text) : Infinity;
  return id <= MAX_INTEGER ? id : parse(Id, text, "id");
}

/** Returns the page and the category of a list request. @throws {ApiProblem} 400 if one is malformed */
export function productListOf(c: Context): { page: number; category: number | undefined } {
  const { page = 1, category } = parse(ProductList, queryOf(c));
  return { page, category };
}

/** Returns the ids of a batch request, without duplicates. @throws {ApiProblem} 400 if one is malformed */
export function userIdsOf(c: Context): number[] {
  return parse(UserBatch, queryOf(c)).ids;
}

/**
 * Returns the number of users that a batch request asks for, from 1 to the maximum. It is defined
 * for a malformed request too, because the rate limit runs before the input is checked.
 */
export function batchSizeOf(c: Context): number {
  return Math.min(MAX_USERS, distinctIds(c.req.query("ids") ?? "").length);
}

/** Checks that the request has no query parameters. @throws {ApiProblem} 400 if it has any */
export function noQuery(c: Context): void {
  if (c.req.url.includes("?")) parse(Nothing, queryOf(c));
}

/**
 * Returns the checked body of the request. @throws {ApiProblem} 400 if it is wrong, 415 if it is not
 * JSON, 413 and 499 as `readBody`
 */
export async function bodyOf<T>(c: Context, schema: z.ZodMiniType<T>): Promise<T> {
  noQuery(c);
  const type = c.req.header("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json")
    throw new ApiProblem({
      status: 415,
      type: "unsupported-media-type",
      title: "Unsupported Media Type",
      detail: "Send the body as application/json.",
      headers: { Accept: "application/json" },
    });
  const bytes = await readBody(c.req.raw);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    throw new ApiProblem({
      status: 400,
      type: "invalid-json",
      title: "Invalid JSON",
      detail: "The body is not JSON in UTF-8.",
    });
  }
  return parse(schema, json);
}

export function queryOf(c: Context): Record<string, string> {
  if (!c.req.url.includes("?")) return {};
  const pairs = [...new URL(c.req.url).searchParams];
  const query = Object.fromEntries(pairs);
  if (Object.keys(query).length < pairs.length)
    throw invalid([{ field: "query", detail: "names a parameter twice" }]);
  return query;
}

interface FieldError {
  readonly field: string;
  readonly detail: string;
}

/** Parses the value. An error without a path is reported under the name that the parameter `root` gives. */
export function parse<T>(schema: z.ZodMiniType<T>, value: unknown, root = ""): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  // If a field has several errors, only the first is reported, because it is the most basic one.
  const reasons = new Map<string, string>();
  for (const issue of parsed.error.issues)
    for (const { field, detail } of fieldErrors(issue, root))
      if (!reasons.has(field)) reasons.set(field, detail);
  // Removes the error of the whole body if fields have errors, because those errors cause it.
  if (reasons.size > 1) reasons.delete("body");
  throw invalid([...reasons].map(([field, detail]) => ({ field, detail })));
}

function fieldErrors(issue: z.core.$ZodIssue, root: string): FieldError[] {
  const path = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((name) => ({ field: shorten(name), detail: "is unknown" }));
  if (issue.code === "invalid_type" && path === "" && root === "")
    return [{ field: "body", detail: "must be a JSON object" }];
  return [{ field: path || root || "body", detail: issue.message }];
}

/** Shortens a field name that a client sent, so that the name cannot make the response large. */
function shorten(name: string): string {
  return name.length > 64 ? `${name.slice(0, 63).toWellFormed()}…` : name.toWellFormed();
}

/** The maximum number of errors in one response. */
const MAX_ERRORS = 20;

export function invalid(errors: readonly FieldError[]): ApiProblem {
  const listed = errors.slice(0, MAX_ERRORS);
  return new ApiProblem({
    status: 400,
    type: "invalid-input",
    title: "Invalid Input",
    detail: listed.map(({ field, detail }) => `${field}: ${detail}`).join("; "),
    extensions: { errors: listed },
  });
}
