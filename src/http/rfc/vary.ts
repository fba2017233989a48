/** Decides which requests select a stored response with Vary (RFC 9111, 4.1). */
import {
  isToken,
  parseFieldNames,
  splitList,
  splitMembers,
  trimSpace,
  type FieldReader,
} from "./fields.ts";
import { preferencesIn, type Preference } from "./preferences.ts";

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

/** Adds field names to the Vary of a response, each of them once. */
export function addVary(headers: Headers, names: string): void {
  const present = splitList((headers.get("Vary") ?? "").toLowerCase());
  const missing = splitList(names).filter((name) => !present.includes(name.toLowerCase()));
  if (missing.length > 0) headers.append("Vary", missing.join(", "));
}

/** The request's normalised values of these fields. */
export function selectorsOf(names: readonly string[], request: FieldReader): Selectors {
  return names.map((name) => [name, normalise(name, request.get(name))] as const);
}

/** Whether the request has the same values as the original request. */
export function matches(selectors: Selectors, request: FieldReader): boolean {
  return selectors.every(([name, value]) => normalise(name, request.get(name)) === value);
}

/** Fields that are lists by their definition: empty members mean nothing (RFC 9110, 5.6.1.2). */
const LISTS = new Set([
  "accept",
  "accept-charset",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "forwarded",
  "if-match",
  "if-none-match",
  "pragma",
  "prefer",
  "sec-ch-ua",
  "te",
  "via",
  "x-forwarded-for",
]);

/** Removes the differences that the field's definition gives no meaning, for example case and spaces. */
export function normalise(name: string, value: string | null): string | null {
  if (value === null) return null;
  switch (name) {
    case "accept-language":
      return ranked(value).map(textOfPreference).join(",");
    case "accept-encoding":
      return ranked(value).map(textOfPreference).toSorted().join(",");
    case "cookie":
      // RFC 6265, 4.2.1: pairs, separated by semicolons. A comma belongs to a value.
      return value.split(";").map(trimSpace).join(";");
    default:
      // RFC 9110, 5.3: several lines of a field mean the same as one list. An unknown field is perhaps no list, so its empty members stay.
      return (LISTS.has(name) ? splitList(value) : splitMembers(value)).join(",");
  }
}

/** Members by falling weight. Equal weights keep their order. */
function ranked(value: string): Preference[] {
  return preferencesIn(value).toSorted((one, other) => other.q - one.q);
}

function textOfPreference({ name, q }: Preference): string {
  return q === 1 ? name : `${name};q=${q}`;
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
