/** Parses Cache-Control (RFC 9111, 5.2). */
import { parseFieldNames, isToken, splitList, trimSpace, unquote } from "./fields.ts";

/** The greatest delta-seconds; greater values count as this one (RFC 9111, 1.2.2). */
const MAX_DELTA_SECONDS = 2 ** 31;

/** Directives by lower-case name, each with the arguments of its occurrences, unparsed; undefined for an occurrence without one. */
export type Directives = ReadonlyMap<string, readonly (string | undefined)[]>;

const NONE: Directives = new Map();

/** Parses a combined field value. Members that are no directive are ignored (RFC 9111, 5.2.3). */
export function parseDirectives(value: string | null): Directives {
  if (value === null || value === "") return NONE;
  const directives = new Map<string, (string | undefined)[]>();
  for (const member of splitList(value)) {
    const equals = member.indexOf("=");
    const beforeEquals = equals < 0 ? member : member.slice(0, equals);
    const name = trimSpace(beforeEquals).toLowerCase();
    if (!isToken(name)) continue;
    // The grammar allows no space before "=". An empty argument stands for the malformed one.
    const isMalformed = equals >= 0 && beforeEquals.length !== name.length;
    const value = equals < 0 ? undefined : member.slice(equals + 1);
    const argument = isMalformed ? "" : value;
    const earlier = directives.get(name);
    if (earlier === undefined) directives.set(name, [argument]);
    else earlier.push(argument);
  }
  return directives;
}

/**
 * A directive's delta-seconds; undefined if the directive is absent. An invalid value
 * counts as 0, and the least of several values counts: RFC 9111, 4.2.1 asks caches to
 * treat invalid freshness information as stale.
 */
export function deltaSecondsOf(directives: Directives, name: string): number | undefined {
  const values = directives.get(name);
  if (values === undefined) return undefined;
  return Math.min(...values.map((value) => parseDeltaSeconds(value) ?? 0));
}

/**
 * Whether the directive occurs without an argument. A directive that permits something counts only
 * in this form; one that forbids something counts in any form.
 */
export function isPlain(directives: Directives, name: string): boolean {
  return directives.get(name)?.every((argument) => argument === undefined) ?? false;
}

/** Parses digits, quoted or not (RFC 9111, 5.2: recipients accept both forms). Undefined if invalid. */
export function parseDeltaSeconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const digits = text.startsWith('"') ? unquote(text) : text;
  if (digits === undefined || !/^\d+$/.test(digits)) return undefined;
  return Math.min(Number(digits), MAX_DELTA_SECONDS);
}

/**
 * The field names in a directive's argument (`private="x, y"`); true if the directive
 * occurs without field names; undefined if the directive is absent.
 */
export function qualifyingNames(directives: Directives, name: string): true | string[] | undefined {
  const values = directives.get(name);
  if (values === undefined) return undefined;
  const fields: string[] = [];
  for (const value of values) {
    // RFC 9111, 5.2.2.4 forbids the form without quotes, but origins send it.
    const names = value === undefined ? [] : parseFieldNames(unquote(value) ?? value);
    if (names.length === 0) return true;
    fields.push(...names);
  }
  return fields;
}
