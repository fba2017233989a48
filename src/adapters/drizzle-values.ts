/** Converts the values that drizzle-orm gives a cache into stored text, lifetimes and names of tables. It has no I/O. */
import type { MutationOption } from "drizzle-orm/cache/core";
import type { CacheConfig } from "drizzle-orm/cache/core/types";
import { DefinitionError } from "../core/faults.ts";
import type { EpochMs, Millis } from "../core/time.ts";

/**
 * Returns the JSON of the result of a query. Returns undefined if JSON would change a value: a Date, bytes, a
 * bigint. Such a result is not stored.
 */
export function rowsText(response: unknown): string | undefined {
  if (Array.isArray(response)) return isJson(response) ? JSON.stringify(response) : undefined;
  if (typeof response !== "object" || response === null || !("rows" in response)) return undefined;
  if (!Array.isArray(response.rows) || !isJson(response.rows)) return undefined;
  // Drivers add other members, some of which are functions.
  const { command, rowCount, rows } = response as Partial<Record<string, unknown>>;
  return JSON.stringify({ command, rowCount, rows });
}

/** Whether a text of SQL begins with a common table expression. */
const WITH = /^\s*with\b/i;
const TABLE = String.raw`(?:(["\x60])([^"\x60]+)\1\s*\.\s*)?(["\x60])([^"\x60]+)\3`;
const READ = new RegExp(String.raw`\b(?:from|join)\s+(?:lateral\s+|only\s+)?${TABLE}`, "gi");
const WRITTEN = new RegExp(
  String.raw`\b(?:insert\s+into|update|delete\s+from)\s+(?:only\s+)?${TABLE}`,
  "gi",
);

function tablesAfter(pattern: RegExp, text: string): string[] {
  return [...text.matchAll(pattern)].map(([, , schema, , table]) =>
    schema === undefined ? String(table) : `${schema}.${String(table)}`,
  );
}

/**
 * Returns the tables and views that a text of drizzle-orm reads. drizzle-orm itself does not name those of common
 * table expressions, of the further parts of a union, and of subqueries among the columns.
 */
export function tablesRead(text: string): string[] {
  return tablesAfter(READ, text);
}

/** Returns the tables that the common table expressions of a text change. */
export function tablesChangedInWith(text: string): string[] {
  return WITH.test(text) ? tablesAfter(WRITTEN, text) : [];
}

/** Returns a text that names a query with its parameters. Undefined if a parameter has no text of its own. */
export function identityOf(text: string, params: readonly unknown[]): string | undefined {
  const texts = params.map((param) =>
    param instanceof Date ? { date: param.toISOString() } : isJson(param) ? [param] : undefined,
  );
  return texts.includes(undefined) ? undefined : JSON.stringify([text, texts]);
}

/** Whether a value is the same after it was written as JSON and read again. */
function isJson(value: unknown): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (Array.isArray(value)) return value.every(isJson);
  if (typeof value !== "object" || "toJSON" in value) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null;
  return isPlain && Object.values(value).every(isJson);
}

/**
 * Returns the fresh lifetime that a `$withCache` states: 0 if it is over. Undefined if it states none.
 *
 * @throws {DefinitionError} for the settings that only a hash of Redis has
 */
export function lifetimeOf(config: CacheConfig | undefined, now: EpochMs): Millis | undefined {
  if (config === undefined) return undefined;
  for (const name of ["keepTtl", "hexOptions"] as const)
    if (config[name] !== undefined)
      throw new DefinitionError(
        `$withCache config.${name}`,
        "is not supported: use ex, px, exat or pxat",
      );
  const { ex, px, exat, pxat } = config;
  const ms = px ?? (ex === undefined ? undefined : ex * 1_000);
  const until = pxat ?? (exat === undefined ? undefined : exat * 1_000);
  const lifetime = ms ?? (until === undefined ? undefined : until - now);
  return lifetime === undefined ? undefined : Math.min(Math.max(0, lifetime), MAX_LIFETIME_MS);
}

/** The longest lifetime of an entry: 7 days. The log keeps its numbers as long. */
const MAX_LIFETIME_MS: Millis = 7 * 24 * 3_600_000;

const BASE_NAME = Symbol.for("drizzle:BaseName");
const SCHEMA = Symbol.for("drizzle:Schema");

/** Returns the names of tables as drizzle-orm names them in a query: with their schema, if they have one. */
export function namesOf(tables: MutationOption["tables"]): string[] {
  return [tables ?? []].flat().map((table) => {
    if (typeof table === "string") return table;
    const { [BASE_NAME]: name, [SCHEMA]: schema } = table as unknown as Record<symbol, string>;
    return schema ? `${schema}.${name}` : String(name);
  });
}
