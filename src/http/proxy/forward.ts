/** A request on its way to the origin, and the response on its way back (RFC 9110, 7.6). */
import { CacheUnavailable, fault, messageOf } from "../../core/faults.ts";
import type { Clock, EpochMs, Millis } from "../../core/time.ts";
import { UNTRUSTED_FIELDS } from "../cache/untrusted-fields.ts";
import { formatDate, parseDate } from "../rfc/dates.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { hopByHop } from "../rfc/stored-fields.ts";
import { forwardsLeft } from "./max-forwards.ts";

/** Our name in Via. */
const PSEUDONYM = "strata";

/** How often a request may pass here: caches of one kind do stand behind each other. */
const MAX_PASSES = 8;

/** Whether Via says that the request goes round in circles (RFC 9110, 7.6.3). */
export function isLooping(request: Request): boolean {
  const via = request.headers.get("Via");
  return via !== null && via.split(` ${PSEUDONYM}`).length > MAX_PASSES;
}

/** Fields that are of the request to us. */
const OURS = ["cf-connecting-ip", "host"] as const;
/** Fields that say how the request came to the origin. */
const OF_THE_WAY = ["via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"] as const;
const CHANGED = new Set<string>([...UNTRUSTED_FIELDS, ...OURS, ...OF_THE_WAY]);

/** Reads fields as the origin gets them. What is handed on as it came is read without a copy of all. */
export function forwardedReader(request: Request, whole: () => Headers): FieldReader {
  const dropped = hopByHop(request.headers);
  return {
    get(name) {
      const lower = name.toLowerCase();
      if (CHANGED.has(lower) || dropped.has(lower)) return whole().get(name);
      return lower === "accept-encoding"
        ? acceptEncodingOf(request, request.headers)
        : request.headers.get(name);
    },
  };
}

/** Fields of the client's request, as the origin gets them. */
export function forwardedHeaders(request: Request): Headers {
  const headers = new Headers(request.headers);
  const seen = new URL(request.url);
  const client = request.headers.get("CF-Connecting-IP");
  for (const name of hopByHop(request.headers)) headers.delete(name);
  for (const name of UNTRUSTED_FIELDS) headers.delete(name);
  for (const name of OURS) headers.delete(name);
  headers.append("Via", `${receivedProtocol(request)} ${PSEUDONYM}`);
  if (client !== null) headers.append("X-Forwarded-For", client);
  headers.set("X-Forwarded-Host", seen.host);
  headers.set("X-Forwarded-Proto", seen.protocol.slice(0, -1));
  const left = forwardsLeft(request);
  if (left !== undefined) headers.set("Max-Forwards", String(left - 1));
  const acceptEncoding = acceptEncodingOf(request, headers);
  if (acceptEncoding === null) headers.delete("Accept-Encoding");
  else headers.set("Accept-Encoding", acceptEncoding);
  return headers;
}

/** The version that the client spoke, without the name that goes without saying (RFC 9110, 7.6.3). */
function receivedProtocol(request: Request): string {
  const protocol = request.cf?.["httpProtocol"];
  const version = typeof protocol === "string" ? /^HTTP\/(\d(?:\.\d)?)$/.exec(protocol) : null;
  return version?.[1] ?? "1.1";
}

/** The runtime rewrites Accept-Encoding; what the client really accepts stands beside the request. */
function acceptEncodingOf(request: Request, headers: FieldReader): string | null {
  const accepted = request.cf?.["clientAcceptEncoding"];
  if (typeof accepted !== "string") return headers.get("Accept-Encoding");
  return accepted === "" ? null : accepted;
}

/** A response of the origin with the times that its age is counted from. */
export interface Received {
  readonly status: number;
  readonly statusText: string;
  /** Without the fields of the connection; with Date and Via. */
  readonly headers: Headers;
  /** Fields as the origin sent them: what Connection lists is only found here. */
  readonly sent: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
  readonly requestedAt: EpochMs;
  readonly respondedAt: EpochMs;
}

export interface ForwardOptions {
  readonly fetch: (url: URL, init: RequestInit) => Promise<Response>;
  readonly now: Clock;
  /** How long the origin may take until the response's header section is there. */
  readonly headersTimeoutMs: Millis;
}

export type Forward = (
  url: URL,
  init: {
    readonly method: string;
    readonly headers: Headers;
    readonly body?: ReadableStream | null;
  },
) => Promise<Received>;

/** Asks the origin once; never follows, never decodes. @throws {CacheUnavailable} if it does not answer. */
export function createForward({ fetch, now, headersTimeoutMs }: ForwardOptions): Forward {
  return async (url, { method, headers, body }) => {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), headersTimeoutMs);
    const requestedAt = now();
    try {
      const response = await fetch(url, {
        method,
        headers,
        ...(body && { body }),
        redirect: "manual",
        // What `cache: "no-store"` tells the platform, without the Cache-Control: no-cache that it
        // would send on; the client has not said that.
        cf: { cacheTtl: -1, cacheLevel: "bypass" },
        encodeResponseBody: "manual",
        signal: abort.signal,
      });
      if (!isFinal(response.status)) {
        await response.body?.cancel();
        throw new Error(`answered with status ${response.status}`);
      }
      return received(response, requestedAt, now());
    } catch (error) {
      const code = abort.signal.aborted ? "origin.timeout" : "origin.unavailable";
      throw new CacheUnavailable(fault(code, messageOf(error)));
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Other statuses are invalid, or nothing that was asked for: a server error (RFC 9110, 15). */
function isFinal(status: number): boolean {
  return status >= 200 && status <= 599;
}

function received(response: Response, requestedAt: EpochMs, respondedAt: EpochMs): Received {
  const headers = new Headers(response.headers);
  for (const name of hopByHop(response.headers)) headers.delete(name);
  headers.append("Via", `1.1 ${PSEUDONYM}`);
  // RFC 9110, 6.6.1: who receives a response without a date gives it one.
  if (parseDate(headers.get("Date"), respondedAt) === undefined && !headers.has("Date"))
    headers.set("Date", formatDate(respondedAt));
  const { status, statusText, body } = response;
  return { status, statusText, headers, sent: response.headers, body, requestedAt, respondedAt };
}
