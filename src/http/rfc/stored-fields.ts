/** Decides which fields of a response are stored, and how a newer response updates them (RFC 9111, 3.1 and 3.2). */
import { parseFieldNames, readerOf, splitList, type FieldReader, type Fields } from "./fields.ts";

/** The fields that are valid for one connection (RFC 9110, 7.6.1) or for the next proxy only (RFC 9111, 3.1). */
const CONNECTION_SPECIFIC = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Returns the names of the hop-by-hop fields: the fixed ones, and those that Connection lists. */
export function hopByHop(headers: FieldReader): ReadonlySet<string> {
  const listed = headers.get("Connection");
  return listed === null
    ? CONNECTION_SPECIFIC
    : new Set([...CONNECTION_SPECIFIC, ...parseFieldNames(listed)]);
}

/** Returns the fields to store: all but the hop-by-hop ones, and those for one client (RFC 9111, 3.1 and 5.2.2.7). */
export function storedFields(
  fields: Iterable<readonly [string, string]>,
  headers: FieldReader,
  forOne: readonly string[],
): [string, string][] {
  const dropped = new Set([...hopByHop(headers), ...forOne]);
  const kept: [string, string][] = [];
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    if (!dropped.has(lower)) kept.push([lower, value]);
  }
  return kept;
}

/** Returns the fields that only the client gets whose request brought the response. */
export function privateFields(
  fields: Iterable<readonly [string, string]>,
  forOne: readonly string[],
): (readonly [string, string])[] {
  if (forOne.length === 0) return [];
  return [...fields].filter(([name]) => forOne.includes(name.toLowerCase()));
}

/** The fields that describe the stored body. A newer response without a body does not change them (RFC 9111, 3.2). */
const BODY_FIELDS = new Set(["content-length", "content-range"]);

/**
 * Returns the stored fields, updated by those of a newer response (RFC 9111, 3.2). Fields that the
 * newer response lacks are kept, except Age, which was the age of the older response.
 */
export function updateFields(stored: Fields, newer: Fields): [string, string][] {
  const vary = updatedVary(readerOf(stored).get("Vary"), readerOf(newer).get("Vary"));
  const replaced = new Set(newer.map(([name]) => name));
  replaced.add("age").add("vary");
  const kept = stored.filter(([name]) => !replaced.has(name) || BODY_FIELDS.has(name));
  const added = newer.filter(([name]) => !BODY_FIELDS.has(name) && name !== "vary");
  const fields = [...kept, ...added].map(([name, value]): [string, string] => [name, value]);
  return vary === "" ? fields : [...fields, ["vary", vary]];
}

/**
 * The names of the newer Vary, and those that only the stored one has. A 304 often lacks the names
 * that a middleware adds for a body (RFC 9110, 15.4.5 requires them). Without them the stored
 * response would answer requests that did not select it.
 */
function updatedVary(stored: string | null, newer: string | null): string {
  const names = splitList(newer ?? "");
  const known = new Set(names.map((name) => name.toLowerCase()));
  const missing = splitList(stored ?? "").filter((name) => !known.has(name.toLowerCase()));
  return [...names, ...missing].join(", ");
}
