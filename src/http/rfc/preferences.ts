/** Fields in which a client weights what it prefers: Accept-Language, Accept-Encoding (RFC 9110, 12.4.2). */
import { splitList, trimSpace } from "./fields.ts";

export interface Preference {
  readonly name: string;
  /** From 0, not acceptable, to 1. */
  readonly q: number;
}

/** RFC 9110, 12.4.2. */
const WEIGHT = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/**
 * The members in lower case, in the order of the field. The name of a member with a malformed
 * weight is the whole member, so that it equals no well-formed one.
 */
export function preferencesIn(value: string): Preference[] {
  return splitList(value.toLowerCase()).map((member) => {
    const [name = "", ...parameters] = splitList(member, ";");
    const weight = parameters.find((parameter) => /^q[ \t]*=/.test(parameter));
    if (weight === undefined) return { name, q: 1 };
    const q = WEIGHT.exec(trimSpace(weight))?.[1];
    return q === undefined ? { name: member, q: 1 } : { name, q: Number(q) };
  });
}

/**
 * Whether a request accepts content in these codings (RFC 9110, 12.5.3). Content without a coding
 * is always accepted. A request without the field accepts what `withoutField` says: by the RFC
 * every coding, but a client that sends no field often decodes none.
 */
export function acceptsCoding(
  acceptEncoding: string | null,
  contentEncoding: string | null | undefined,
  withoutField: boolean,
): boolean {
  const codings = splitList((contentEncoding ?? "").toLowerCase()).filter(
    (coding) => coding !== "identity",
  );
  if (codings.length === 0) return true;
  if (acceptEncoding === null) return withoutField;
  const accepted = preferencesIn(acceptEncoding);
  const weightOf = (name: string): number | undefined =>
    accepted.find((preference) => canonical(preference.name) === name)?.q;
  return codings.every((coding) => (weightOf(canonical(coding)) ?? weightOf("*") ?? 0) > 0);
}

/** RFC 9110, 8.4.1: recipients treat the names with `x-` as equal. */
function canonical(coding: string): string {
  return coding === "x-gzip" || coding === "x-compress" ? coding.slice(2) : coding;
}
