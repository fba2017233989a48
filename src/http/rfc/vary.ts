/** Which requests a stored response with Vary may answer (RFC 9111, 4.1). */
import { fieldNames, isToken, splitList, trimSpace, type FieldReader } from "./fields.ts";

/** Selecting fields with their values in the original request; null: it had no such field. */
export type Selectors = readonly (readonly [name: string, value: string | null])[];

/** `*`; or what is no field name, by which nobody knows what else differs. */
export function variesByEverything(vary: string | null): boolean {
  return vary !== null && splitList(vary).some((name) => name === "*" || !isToken(name));
}

/** The names in Vary, lower case, sorted, each once. */
export function selectingNames(vary: string | null): string[] {
  return vary === null ? [] : [...new Set(fieldNames(vary))].toSorted();
}

/** What the request says in the fields that Vary names, in a form that compares. */
export function selectorsOf(names: readonly string[], request: FieldReader): Selectors {
  return names.map((name) => [name, normalise(name, request.get(name))] as const);
}

export function matches(selectors: Selectors, request: FieldReader): boolean {
  return selectors.every(([name, value]) => normalise(name, request.get(name)) === value);
}

/** A value with everything removed that its field's definition gives no meaning. */
export function normalise(name: string, value: string | null): string | null {
  if (value === null) return null;
  switch (name) {
    case "accept-language":
      return preferences(value).join(",");
    case "accept-encoding":
      return preferences(value).toSorted().join(",");
    default:
      // Lines that were joined, and lists written on one: the same (RFC 9110, 5.3).
      return splitList(value).join(",");
  }
}

/** Members of a preference list, best first, in lower case; equal ones in the order they stand. */
function preferences(value: string): string[] {
  return ranked(value).map(({ name, q }) => (q === 1 ? name : `${name};q=${q}`));
}

interface Preference {
  readonly name: string;
  readonly q: number;
}

function ranked(value: string): Preference[] {
  return splitList(value.toLowerCase())
    .map((member): Preference => {
      const [name = "", ...parameters] = splitList(member, ";");
      const weight = parameters.find((parameter) => /^q[ \t]*=/.test(parameter));
      const q = weight === undefined ? 1 : Number(trimSpace(weight.slice(weight.indexOf("=") + 1)));
      return { name, q: Number.isFinite(q) ? Math.min(Math.max(q, 0), 1) : 0 };
    })
    .toSorted((one, other) => other.q - one.q);
}

/**
 * Whether the one language that a request wants most is the stored response's:
 * nothing better could be selected for it (RFC 9110, 12.5.4).
 */
export function isWantedMost(
  acceptLanguage: string | null,
  contentLanguage: string | null,
): boolean {
  if (acceptLanguage === null || contentLanguage === null) return false;
  const [first, second] = ranked(acceptLanguage);
  if (first === undefined || first.name === "*" || first.q === 0) return false;
  if (second !== undefined && second.q === first.q) return false;
  return first.name === trimSpace(contentLanguage).toLowerCase();
}
