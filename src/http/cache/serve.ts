/** Answers a request from a stored response (RFC 9111, 4). */
import type { Entry } from "../../core/entry.ts";
import type { EpochMs } from "../../core/time.ts";
import { isNotModified, isOn304 } from "../rfc/conditional.ts";
import { readerOf, type Fields } from "../rfc/fields.ts";
import { responseControlOf } from "../rfc/response-control.ts";
import { partialResponse, requestedSpans } from "./partial-response.ts";
import { NULL_BODY_STATUSES, rawResponse } from "./raw-response.ts";
import { bytesOf } from "./text-bytes.ts";

export interface ServeOptions {
  /** True if the stored response is used without a validation by the origin for this request. */
  readonly reused: boolean;
  /** The fields that the answer has in addition to the stored ones. Default: none. */
  readonly own?: OwnFields;
}

/** The fields of an answer that belong to its request. They are not stored. */
export interface OwnFields {
  /** Makes a response that has these fields already. */
  newResponse(body: string | Uint8Array, status: number): Response;
  /** Adds a stored field to a response that `newResponse` made. */
  addStored(headers: Headers, name: string, value: string): void;
  /** Adds these fields to a response that has the stored ones. */
  addTo(headers: Headers): void;
}

/** The members of an entry from which a response is made. */
export type StoredResponse = Pick<Entry, "body" | "storedAt" | "http">;

/**
 * Makes the response to the client: the whole stored response, a 304 if the client's copy is
 * current, or the byte ranges that the client asks for.
 */
export function serve(
  request: Request,
  entry: StoredResponse,
  now: EpochMs,
  { reused, own }: ServeOptions,
): Response {
  const { status = 200, headers: stored = NO_FIELDS, part } = entry.http ?? {};
  const { fields, isCoded, hasType } = reused ? reusableFields(stored) : sentFields(stored, []);
  // RFC 9111, 5.1: the field Age tells the client that the origin did not make this response for
  // this request.
  const sent: Fields = reused
    ? [...fields, ["age", String(currentAgeSeconds(entry, now))]]
    : fields;

  // RFC 9111, 4.3.2: conditions and ranges apply to a stored 200, and to a stored part of a 200.
  const isContent = status === 200 || part !== undefined;
  if (isContent && hasCondition(request) && isNotModified(request.headers, readerOf(stored), now))
    return withOwnFields(notModified(headersOf(sent)), own);
  if (request.method === "HEAD") return withOwnFields(answerToHead(entry, headersOf(sent)), own);
  const spans =
    isContent && request.headers.has("Range") ? requestedSpans(request, entry, now) : undefined;
  return spans === undefined
    ? wholeResponse(entry.body, status, { fields: sent, isCoded, hasType }, own)
    : withOwnFields(partialResponse(entry, spans, headersOf(sent)), own);
}

function withOwnFields(response: Response, own: OwnFields | undefined): Response {
  own?.addTo(response.headers);
  return response;
}

/** Returns the current age in whole seconds (RFC 9111, 4.2.3). */
function currentAgeSeconds(entry: StoredResponse, now: EpochMs): number {
  return Math.max(0, Math.floor((now - (entry.http?.bornAt ?? entry.storedAt)) / 1000));
}

const NO_FIELDS: Fields = [];

/** The fields of a response that are sent, and what decides how its body is sent. */
interface SentFields {
  readonly fields: Fields;
  readonly isCoded: boolean;
  readonly hasType: boolean;
}

function sentFields(stored: Fields, withheld: readonly string[]): SentFields {
  const fields = stored.filter(([name]) => name !== "content-length" && !withheld.includes(name));
  const has = (field: string): boolean => fields.some(([name]) => name === field);
  return { fields, isCoded: has("content-encoding"), hasType: has("content-type") };
}

/** By the stored fields, because they are the same for every hit of an entry. */
const reusable = new WeakMap<Fields, SentFields>();

/** Returns the fields that are sent if the response is used without a validation by the origin. */
function reusableFields(stored: Fields): SentFields {
  let sent = reusable.get(stored);
  if (sent === undefined) {
    sent = sentFields(stored, ["age", ...fieldsThatNeedValidation(stored)]);
    reusable.set(stored, sent);
  }
  return sent;
}

/** Returns the fields that `no-cache="..."` names. They must not be sent without validation (RFC 9111, 5.2.2.4). */
function fieldsThatNeedValidation(stored: Fields): readonly string[] {
  const { noCache } = responseControlOf(readerOf(stored));
  return noCache === undefined || noCache === true ? [] : noCache;
}

function hasCondition({ headers }: Request): boolean {
  return headers.has("If-None-Match") || headers.has("If-Modified-Since");
}

/** A 304 if the client's condition shows that it has the response with these fields; otherwise undefined. */
export function notModifiedFor(
  request: Request,
  headers: Headers,
  now: EpochMs,
): Response | undefined {
  return hasCondition(request) && isNotModified(request.headers, headers, now)
    ? notModified(new Headers(headers))
    : undefined;
}

function notModified(headers: Headers): Response {
  const hasEtag = headers.has("ETag");
  for (const name of [...headers.keys()]) if (!isOn304(name, hasEtag)) headers.delete(name);
  return new Response(null, { status: 304, headers });
}

/**
 * Answers a HEAD request with the header section of the whole representation, also if only a part
 * is stored (RFC 9110, 9.3.2).
 */
function answerToHead({ body, http }: StoredResponse, headers: Headers): Response {
  const { status = 200, part } = http ?? {};
  const length = part?.total ?? bytesOf(body).byteLength;
  if (!NULL_BODY_STATUSES.has(status)) headers.set("Content-Length", String(length));
  return rawResponse(null, part === undefined ? status : 200, headers);
}

function wholeResponse(
  body: StoredResponse["body"],
  status: number,
  { fields, isCoded, hasType }: SentFields,
  own: OwnFields | undefined,
): Response {
  if (NULL_BODY_STATUSES.has(status) || isCoded)
    return withOwnFields(rawResponse(body, status, headersOf(fields)), own);
  // The runtime copies headers that are given to the constructor of a response. Adding the fields
  // afterwards avoids that copy.
  const content = hasType ? body : bytesOf(body);
  const response = own?.newResponse(content, status) ?? new Response(content, { status });
  const { headers } = response;
  for (const [name, value] of fields)
    // The runtime has set a Content-Type for a string body already, so this value replaces it.
    if (name === "content-type") headers.set(name, value);
    else if (own === undefined) headers.append(name, value);
    else own.addStored(headers, name, value);
  return response;
}

function headersOf(fields: Fields): Headers {
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  return headers;
}
