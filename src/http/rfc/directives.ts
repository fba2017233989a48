/** Cache-Control as it is written (RFC 9111, 5.2): directives by lower-case name. */
import { fieldNames, isToken, splitList, trimSpace, unquote } from "./fields.ts";

/** delta-seconds beyond this are this (RFC 9111, 1.2.2). */
const MAX_DELTA_SECONDS = 2 ** 31;

/** Arguments of one directive as they stand, in order; undefined where it has none. */
export type Directives = ReadonlyMap<string, readonly (string | undefined)[]>;

const NONE: Directives = new Map();

/** Directives of a field value, all its lines joined. What is no directive is ignored (5.2.3). */
export function parseDirectives(value: string | null): Directives {
  if (value === null || value === "") return NONE;
  const directives = new Map<string, (string | undefined)[]>();
  for (const member of splitList(value)) {
    const equals = member.indexOf("=");
    const written = equals < 0 ? member : member.slice(0, equals);
    const name = trimSpace(written).toLowerCase();
    if (!isToken(name)) continue;
    // No space may stand before "=": the argument is void, so the directive is read at its strictest.
    const whole = equals >= 0 && written.length === name.length;
    const argument = whole ? member.slice(equals + 1) : undefined;
    const known = directives.get(name);
    if (known === undefined) directives.set(name, [argument]);
    else known.push(argument);
  }
  return directives;
}

/**
 * A directive's delta-seconds; undefined if there is no such directive. A value
 * that is none counts as 0, and of several the least: an answer that cannot be
 * understood is stale (RFC 9111, 4.2.1).
 */
export function secondsOf(directives: Directives, name: string): number | undefined {
  const values = directives.get(name);
  if (values === undefined) return undefined;
  return Math.min(...values.map((value) => deltaSeconds(value) ?? 0));
}

/** Digits only, quoted or not (RFC 9111, 5.2: recipients accept both forms); clamped. */
export function deltaSeconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const digits = text.startsWith('"') ? unquote(text) : text;
  if (digits === undefined || !/^\d+$/.test(digits)) return undefined;
  return Math.min(Number(digits), MAX_DELTA_SECONDS);
}

/**
 * Field names that a directive is qualified with (`private="x, y"`), or true
 * where it stands alone at least once; undefined if there is no such directive.
 */
export function qualifiedBy(directives: Directives, name: string): true | string[] | undefined {
  const values = directives.get(name);
  if (values === undefined) return undefined;
  const fields: string[] = [];
  for (const value of values) {
    // The token form is not allowed, and seen (RFC 9111, 5.2.2.4).
    const named = value === undefined ? [] : fieldNames(unquote(value) ?? value);
    if (named.length === 0) return true;
    fields.push(...named);
  }
  return fields;
}
