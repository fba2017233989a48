/** The answer to one request from a stored response (RFC 9111, 4). */
import type { Entry } from "../../core/entry.ts";
import type { EpochMs } from "../../core/time.ts";
import { mayHaveBody, rawResponse } from "../proxy/body.ts";
import { byteranges } from "../rfc/byteranges.ts";
import { isNotModified, isOn304 } from "../rfc/conditional.ts";
import { readerOf } from "../rfc/field-reader.ts";
import type { FieldReader, Fields } from "../rfc/fields.ts";
import {
  covers,
  formatContentRange,
  ifRangeHolds,
  isOn416,
  OF_WHOLE_CONTENT,
  parseRange,
  resolveRanges,
  type Part,
  type Span,
} from "../rfc/range.ts";
import { controlOf } from "../rfc/response-control.ts";
import { bytesOf } from "./text-bytes.ts";

export interface ServeOptions {
  /** It was not validated for this request: fields that no-cache names must not be sent (5.2.2.4). */
  readonly reused: boolean;
}

/** What an answer is made of. */
export type Stored = Pick<Entry, "body" | "storedAt" | "http">;

const NO_CACHE = /no-cache=/i;

/** The stored response, a 304 if the client has it, or the part that it asks for. */
export function serve(
  request: Request,
  entry: Stored,
  now: EpochMs,
  options: ServeOptions,
): Response {
  const { status = 200, headers: fields = [], part } = entry.http ?? {};
  const stored = readerOf(fields);
  const withheld = options.reused ? ["age", ...withheldFields(fields, stored)] : NONE;
  const sent = fields.filter(([name]) => name !== "content-length" && !withheld.includes(name));
  // RFC 9111, 5.1: Age says that the origin was not asked for this request.
  if (options.reused) sent.push(["age", String(ageOf(entry, now))]);

  // RFC 9111, 4.3.2: a part that can answer the request is evaluated like the whole.
  if ((status === 200 || part !== undefined) && isNotModified(request.headers, stored, now))
    return notModified(headersOf(sent));
  if (request.method === "HEAD") {
    const headers = headersOf(sent);
    // A part's length is not that of the whole.
    const length = part?.total ?? bytesOf(entry.body).byteLength;
    if (mayHaveBody(status)) headers.set("Content-Length", String(length));
    return rawResponse(null, part === undefined ? status : 200, headers);
  }
  const spans =
    status === 200 || part !== undefined ? spansOf(request, entry, stored, now) : undefined;
  return spans === undefined
    ? whole(entry.body, status, sent)
    : partial(entry, spans, headersOf(sent));
}

/** As it is stored. Headers that a response is made with are copied; fields put on it later are not. */
function whole(body: Stored["body"], status: number, fields: Fields): Response {
  const has = (field: string): boolean => fields.some(([name]) => name === field);
  if (!mayHaveBody(status) || has("content-encoding"))
    return rawResponse(body, status, headersOf(fields));
  const response = new Response(has("content-type") ? body : bytesOf(body), { status });
  const { headers } = response;
  for (const [name, value] of fields)
    // Of a string the runtime has made a Content-Type.
    if (name === "content-type") headers.set(name, value);
    else headers.append(name, value);
  return response;
}

function headersOf(fields: Fields): Headers {
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  return headers;
}

/** A 206 of what was asked for, or a 416 if there is nothing of it. */
function partial(entry: Stored, spans: readonly Span[], headers: Headers): Response {
  const bytes = bytesOf(entry.body);
  const held = heldPart(entry, bytes.byteLength);
  const [only] = spans;
  if (only === undefined) {
    for (const name of [...headers.keys()]) if (!isOn416(name)) headers.delete(name);
    headers.set("Content-Range", `bytes */${held.total}`);
    return rawResponse(null, 416, headers);
  }
  for (const name of OF_WHOLE_CONTENT) headers.delete(name);
  if (spans.length > 1) {
    const { contentType, body } = byteranges(spans, bytes, held, headers.get("Content-Type"));
    headers.set("Content-Type", contentType);
    return rawResponse(body, 206, headers);
  }
  headers.set("Content-Range", formatContentRange(only, held.total));
  const body = bytes.subarray(only.first - held.first, only.last - held.first + 1);
  return rawResponse(body, 206, headers);
}

function ageOf(entry: Stored, now: EpochMs): number {
  return Math.max(0, Math.floor((now - (entry.http?.bornAt ?? entry.storedAt)) / 1000));
}

function notModified(headers: Headers): Response {
  const hasEtag = headers.has("ETag");
  for (const name of [...headers.keys()]) if (!isOn304(name, hasEtag)) headers.delete(name);
  return new Response(null, { status: 304, headers });
}

const NONE: readonly string[] = [];

function withheldFields(fields: Fields, stored: FieldReader): readonly string[] {
  // Hardly any response names fields so; the others need not be parsed with every hit.
  if (!fields.some(([, value]) => NO_CACHE.test(value))) return NONE;
  const { noCache } = controlOf(stored);
  return noCache === undefined || noCache === true ? NONE : noCache;
}

/** What the stored body is of its representation. */
function heldPart({ http }: Stored, length: number): Part {
  return http?.part ?? { first: 0, last: length - 1, total: length };
}

/** The bytes that are asked for, if this representation may answer in parts; none: it has none of them. */
function spansOf(
  request: Request,
  entry: Stored,
  stored: FieldReader,
  now: EpochMs,
): readonly Span[] | undefined {
  if (request.method !== "GET") return undefined;
  const specs = parseRange(request.headers.get("Range"));
  if (specs === undefined || !ifRangeHolds(request.headers.get("If-Range"), stored, now))
    return undefined;
  return resolveRanges(specs, entry.http?.part?.total ?? bytesOf(entry.body).byteLength);
}

/** Whether an entry that holds a part has everything that this request asks for. */
export function hasPartFor(request: Request, entry: Entry, now: EpochMs): boolean {
  const part = entry.http?.part;
  if (part === undefined) return true;
  if (request.method === "HEAD") return true;
  const spans = spansOf(request, entry, readerOf(entry.http?.headers ?? []), now) ?? [];
  return spans.length > 0 && spans.every((span) => covers(part, span));
}
