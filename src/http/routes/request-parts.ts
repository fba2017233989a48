/** The parts of a request that a run of a key function can leave out. */
import { DEFAULT_CREDENTIAL_HEADERS } from "../cache/sharing-rules.ts";
import type { Reads } from "./key-reads.ts";
import {
  createHandlerRequest,
  NEGOTIATED_FIELDS,
  pickFields,
  UNKEYED_ORIGIN,
} from "./named-parts.ts";
import { splitCookies } from "./route-key.ts";

/** Fields of whose value a key must name more than a part, in lower case. */
const CREDENTIALS = new Set(
  ["authorization", ...DEFAULT_CREDENTIAL_HEADERS].map((name) => name.toLowerCase()),
);

/** The kinds of parts, in the order in which they are left out. */
export const PART_KINDS = ["origin", "parameter", "field", "cookie"] as const;

/** A part of a request that a run of a key function can leave out. */
export interface Part {
  readonly kind: (typeof PART_KINDS)[number];
  /** The name of a field. Empty for other parts. */
  readonly name: string;
  readonly text: string;
}

/** Returns the parts that the function has read, and the negotiated fields. */
export function partsRead({ url, headers }: Request, reads: Reads): readonly Part[] {
  const { origin, search } = new URL(url);
  const names = reads.list ? [...headers.keys()] : [...reads.fields];
  const fields = pickFields(headers, [...NEGOTIATED_FIELDS, ...names]);
  const parts: Part[] = [];
  if (reads.url) {
    parts.push({ kind: "origin", name: "", text: origin });
    for (const text of search.slice(1).split("&"))
      if (text !== "") parts.push({ kind: "parameter", name: "", text });
  }
  for (const [name, text] of fields)
    if (name !== "cookie") parts.push({ kind: "field", name, text });
  for (const text of splitCookies(fields.get("cookie")))
    parts.push({ kind: "cookie", name: "", text });
  return parts;
}

export function isNegotiated({ kind, name }: Part): boolean {
  return kind === "field" && NEGOTIATED_FIELDS.includes(name);
}

export function isCredential({ kind, name }: Part): boolean {
  return kind === "cookie" || (kind === "field" && CREDENTIALS.has(name));
}

export function valueOf({ kind, text }: Part): string {
  return kind === "cookie" ? text.slice(text.indexOf("=") + 1) : text;
}

/** Makes a request of these parts alone. */
export function requestOf(
  parts: readonly Part[],
  path: string,
  cf: Readonly<Record<string, unknown>> | undefined,
): Request {
  const texts = (kind: Part["kind"]): string[] =>
    parts.filter((part) => part.kind === kind).map(({ text }) => text);
  const [origin = UNKEYED_ORIGIN] = texts("origin");
  const parameters = texts("parameter");
  const query = parameters.length === 0 ? "" : `?${parameters.join("&")}`;
  const headers = new Headers();
  for (const { kind, name, text } of parts) if (kind === "field") headers.set(name, text);
  const cookies = texts("cookie");
  if (cookies.length > 0) headers.set("Cookie", cookies.join("; "));
  return createHandlerRequest(`${origin}${path}${query}`, headers, cf);
}
