/** Which fields of a response are stored, and how a newer response updates them (RFC 9111, 3.1 and 3.2). */
import { fieldNames, type FieldReader, type Fields } from "./fields.ts";
import type { ResponseControl } from "./response-control.ts";

/** Fields of one connection (RFC 9110, 7.6.1); of the proxy before us (RFC 9111, 3.1). */
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

/** Names of the fields that end at this hop: the fixed ones, and those that Connection lists. */
export function hopByHop(headers: FieldReader): ReadonlySet<string> {
  const listed = headers.get("Connection");
  return listed === null
    ? CONNECTION_SPECIFIC
    : new Set([...CONNECTION_SPECIFIC, ...fieldNames(listed)]);
}

/** Fields without those of the connection, and without those that `private="..."` names (5.2.2.7). */
export function storedFields(
  fields: Iterable<readonly [string, string]>,
  headers: FieldReader,
  control: ResponseControl,
): [string, string][] {
  const dropped = new Set(hopByHop(headers));
  if (control.private !== undefined && control.private !== true)
    for (const name of control.private) dropped.add(name);
  const kept: [string, string][] = [];
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    if (!dropped.has(lower)) kept.push([lower, value]);
  }
  return kept;
}

/** Fields that `private="..."` names: they are for the client that asked, and for nobody else (5.2.2.7). */
export function privateFields(
  fields: Iterable<readonly [string, string]>,
  { private: named }: ResponseControl,
): (readonly [string, string])[] {
  if (named === undefined || named === true) return [];
  return [...fields].filter(([name]) => named.includes(name.toLowerCase()));
}

/** Of the stored body, whatever a newer response without a body says (3.2 lets Content-Range be left out). */
const OF_THE_BODY = new Set(["content-length", "content-range"]);

/**
 * Stored fields with those of a newer response in their place (3.2). Fields that
 * the newer one does not have stay, Age excepted: it was that of the older one.
 */
export function updateFields(stored: Fields, newer: Fields): [string, string][] {
  const replaced = new Set(newer.map(([name]) => name));
  replaced.add("age");
  const kept = stored.filter(([name]) => !replaced.has(name) || OF_THE_BODY.has(name));
  const added = newer.filter(([name]) => !OF_THE_BODY.has(name));
  return [...kept, ...added].map(([name, value]): [string, string] => [name, value]);
}
