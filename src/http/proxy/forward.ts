/** Forwards a request to the origin and receives its response (RFC 9110, 7.6). */
import { CacheUnavailable, fault, messageOf } from "../../core/faults.ts";
import type { Clock, EpochMs, Millis } from "../../core/time.ts";
import { UNTRUSTED_FIELDS } from "../cache/untrusted-fields.ts";
import { formatDate, parseDate } from "../rfc/dates.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { hopByHop } from "../rfc/stored-fields.ts";
import { forwardsLeft } from "./max-forwards.ts";

/** The name of this cache in Via. */
const PSEUDONYM = "strata";

/** How often one request may pass this cache. More than once is normal: caches of this kind may be chained. */
const MAX_PASSES = 8;

/** Whether Via shows that the request loops (RFC 9110, 7.6.3). */
export function isLooping(request: Request): boolean {
  const via = request.headers.get("Via");
  return via !== null && via.split(` ${PSEUDONYM}`).length > MAX_PASSES;
}

/** Request fields that are for this Worker and not forwarded. */
const NOT_FORWARDED = ["cf-connecting-ip", "host"] as const;
/** Request fields to which this cache adds its own part, or which it sets. */
const ADDED = ["via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"] as const;
const CHANGED = new Set<string>([...UNTRUSTED_FIELDS, ...NOT_FORWARDED, ...ADDED]);

/** Reads request fields as the origin gets them. `whole` makes a copy of all fields; it is called only for a field that changes. */
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

/** The client's request fields as the origin gets them. */
export function forwardedHeaders(request: Request): Headers {
  const headers = new Headers(request.headers);
  const url = new URL(request.url);
  const clientAddress = request.headers.get("CF-Connecting-IP");
  for (const name of hopByHop(request.headers)) headers.delete(name);
  for (const name of UNTRUSTED_FIELDS) headers.delete(name);
  for (const name of NOT_FORWARDED) headers.delete(name);
  headers.append("Via", `${receivedProtocol(request)} ${PSEUDONYM}`);
  if (clientAddress !== null) headers.append("X-Forwarded-For", clientAddress);
  headers.set("X-Forwarded-Host", url.host);
  headers.set("X-Forwarded-Proto", url.protocol.slice(0, -1));
  const left = forwardsLeft(request);
  if (left !== undefined) headers.set("Max-Forwards", String(left - 1));
  const acceptEncoding = acceptEncodingOf(request, headers);
  if (acceptEncoding === null) headers.delete("Accept-Encoding");
  else headers.set("Accept-Encoding", acceptEncoding);
  return headers;
}

/** The client's HTTP version for Via, which omits the name HTTP (RFC 9110, 7.6.3). */
function receivedProtocol(request: Request): string {
  const protocol = request.cf?.["httpProtocol"];
  const version = typeof protocol === "string" ? /^HTTP\/(\d(?:\.\d)?)$/.exec(protocol) : null;
  return version?.[1] ?? "1.1";
}

/** The client's own Accept-Encoding. The platform rewrites the field and keeps the original in request.cf. */
function acceptEncodingOf(request: Request, headers: FieldReader): string | null {
  const accepted = request.cf?.["clientAcceptEncoding"];
  if (typeof accepted !== "string") return headers.get("Accept-Encoding");
  return accepted === "" ? null : accepted;
}

/** A response of the origin, with the times that its age is computed from. */
export interface OriginResponse {
  readonly status: number;
  readonly statusText: string;
  /** The fields without the hop-by-hop ones, with Date and Via added. */
  readonly headers: Headers;
  /** The fields as the origin sent them. Only these still have Connection, which lists hop-by-hop fields. */
  readonly sent: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
  readonly requestedAt: EpochMs;
  readonly respondedAt: EpochMs;
}

export interface ForwardOptions {
  readonly fetch: (url: URL, init: RequestInit) => Promise<Response>;
  readonly now: Clock;
  /** How long the origin may take to send the header section, counted from `arrivedAt`. */
  readonly headersTimeoutMs: Millis;
  /** When the client's request arrived. What it waited for the load of another request counts too. */
  readonly arrivedAt: EpochMs;
}

/** A wait that is so much longer than the header timeout was for a body. */
const BODY_WAIT_MS: Millis = 1_000;

export type Forward = (
  url: URL,
  init: {
    readonly method: string;
    readonly headers: Headers;
    readonly body?: ReadableStream | null;
  },
) => Promise<OriginResponse>;

/**
 * Sends one request to the origin. Redirects are not followed, and bodies are not decoded.
 *
 * @throws {CacheUnavailable} if the origin does not answer, or answers with an invalid status.
 */
export function createForward(options: ForwardOptions): Forward {
  const { fetch, now, headersTimeoutMs, arrivedAt } = options;

  function timeLeft(): Millis {
    const waitedMs = now() - arrivedAt;
    // Negative if the clock was set back.
    if (waitedMs < 0 || waitedMs >= headersTimeoutMs + BODY_WAIT_MS) return headersTimeoutMs;
    return headersTimeoutMs - waitedMs;
  }

  return async (url, { method, headers, body }) => {
    const leftMs = timeLeft();
    if (leftMs <= 0)
      throw new CacheUnavailable(fault("origin.timeout", "the request has waited for another"));
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), leftMs);
    const requestedAt = now();
    try {
      const response = await fetch(url, {
        method,
        headers,
        ...(body && { body }),
        redirect: "manual",
        // This bypasses the platform's cache. `cache: "no-store"` would too, but would also send
        // `Cache-Control: no-cache` to the origin, which the client has not asked for.
        cf: { cacheTtl: -1, cacheLevel: "bypass" },
        encodeResponseBody: "manual",
        signal: abort.signal,
      });
      if (!isFinal(response.status)) {
        await response.body?.cancel();
        throw new Error(`answered with status ${response.status}`);
      }
      return toOriginResponse(response, requestedAt, now());
    } catch (error) {
      const code = abort.signal.aborted ? "origin.timeout" : "origin.unavailable";
      throw new CacheUnavailable(fault(code, messageOf(error)));
    } finally {
      clearTimeout(timer);
    }
  };
}

/** RFC 9110, 15: a status outside 100 to 599 is an error, and 1xx is no final response. */
function isFinal(status: number): boolean {
  return status >= 200 && status <= 599;
}

function toOriginResponse(
  response: Response,
  requestedAt: EpochMs,
  respondedAt: EpochMs,
): OriginResponse {
  const headers = new Headers(response.headers);
  for (const name of hopByHop(response.headers)) headers.delete(name);
  headers.append("Via", `1.1 ${PSEUDONYM}`);
  // RFC 9110, 6.6.1: the recipient adds a missing Date.
  if (parseDate(headers.get("Date"), respondedAt) === undefined && !headers.has("Date"))
    headers.set("Date", formatDate(respondedAt));
  const { status, statusText, body } = response;
  return { status, statusText, headers, sent: response.headers, body, requestedAt, respondedAt };
}
