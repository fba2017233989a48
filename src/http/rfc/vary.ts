/** Decides which requests select a stored response with Vary (RFC 9111, 4.1). */
import { isToken, parseFieldNames, splitList, trimSpace, type FieldReader } from "./fields.ts";

/** The fields that Vary names, with their normalised values in the original request; null if it lacked the field. */
export type Selectors = readonly (readonly [name: string, value: string | null])[];

/** Whether Vary has `*`, or a member that is no field name: such a response varies by something unknown. */
export function variesByEverything(vary: string | null): boolean {
  return vary !== null && splitList(vary).some((name) => name === "*" || !isToken(name));
}

/** The field names in Vary: lower case, sorted, without duplicates. */
export function selectingNames(vary: string | null): string[] {
  return vary === null ? [] : [...new Set(parseFieldNames(vary))].toSorted();
}

/** The request's normalised values of these fields. */
export function selectorsOf(names: readonly string[], request: FieldReader): Selectors {
  return names.map((name) => [name, normalise(name, request.get(name))] as const);
}

/** Whether the request has the same values as the original request. */
export function matches(selectors: Selectors, request: FieldReader): boolean {
  return selectors.every(([name, value]) => normalise(name, request.get(name)) === value);
}

/** Removes the differences that the field's definition gives no meaning, for example case and spaces. */
export function normalise(name: string, value: string | null): string | null {
  if (value === null) return null;
  switch (name) {
    case "accept-language":
      return preferences(value).join(",");
    case "accept-encoding":
      return preferences(value).toSorted().join(",");
    default:
      // RFC 9110, 5.3: several lines of a field mean the same as one list.
      return splitList(value).join(",");
  }
}

/** The members of a preference list in lower case, by falling weight. Equal weights keep their order. */
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
 * Whether the stored response is in the language that the request prefers to all others:
 * the origin could not select a better one (RFC 9110, 12.5.4).
 */
export function isPreferredLanguage(
  acceptLanguage: string | null,
  contentLanguage: string | null,
): boolean {
  if (acceptLanguage === null || contentLanguage === null) return false;
  const [first, second] = ranked(acceptLanguage);
  if (first === undefined || first.name === "*" || first.q === 0) return false;
  if (second !== undefined && second.q === first.q) return false;
  return first.name === trimSpace(contentLanguage).toLowerCase();
}
