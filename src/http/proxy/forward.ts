/** Forwards a request to the origin and receives its response (RFC 9110, 7.6). */
import { outcomeOf, type AdmittedCall, type CallOutcome } from "../../core/breaker.ts";
import { CacheUnavailable, fault, messageOf } from "../../core/faults.ts";
import { HOLD_SLACK_MS, type ReleaseSlot } from "../../core/origin-slots.ts";
import type { Result } from "../../core/result.ts";
import type { Clock, EpochMs, Millis } from "../../core/time.ts";
import { formatDate, parseDate } from "../../core/http-date.ts";
import { hopByHop } from "../rfc/stored-fields.ts";
import { PSEUDONYM } from "./forwarded-fields.ts";
import type { RetryBudget } from "./retry-budget.ts";

/** A response of the origin, with the times that its age is computed from. */
export interface OriginResponse {
  readonly status: number;
  readonly statusText: string;
  /** The fields without the hop-by-hop ones, with Date and Via added. */
  readonly headers: Headers;
  /** The fields as the origin sent them. Only these still have Connection, which lists hop-by-hop fields. */
  readonly sent: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
  /** The connection, if the origin agreed to switch protocols. */
  readonly webSocket?: UpgradedConnection;
  readonly requestedAt: EpochMs;
  readonly respondedAt: EpochMs;
}

/** The connection between client and origin after a 101 (RFC 9110, 15.2.2). */
type UpgradedConnection = NonNullable<Response["webSocket"]>;

export interface ForwardOptions {
  readonly fetch: (url: URL, init: RequestInit) => Promise<Response>;
  readonly now: Clock;
  /**
   * Waits for a slot, and returns the function that releases it. A request holds a slot until the
   * origin has sent the header section, so that a client that reads slowly holds none.
   */
  readonly takeSlot: (waitMs: Millis, holdMs: Millis) => Promise<Result<ReleaseSlot>>;
  readonly slotWaitMs: Millis;
  /** Asks the breaker of the origin for one call. */
  readonly beginCall: () => Result<AdmittedCall>;
  /** How long the origin may take to send the header section, counted from `arrivedAt`. */
  readonly headersTimeoutMs: Millis;
  readonly retries: RetryBudget;
  /** Changes the fields of a response for the client. */
  readonly adapt: (headers: Headers) => void;
  /** When the client's request arrived. What it waited for the load of another request counts too. */
  readonly arrivedAt: EpochMs;
}

/** A time-out counts as a failure of the origin if the origin had at least this part of its time. */
const FAIR_PART = 0.5;
/** A wait that is so much longer than the header timeout was for a body. */
const BODY_WAIT_MS: Millis = 1_000;

interface ForwardedRequest {
  readonly method: string;
  readonly headers: Headers;
  readonly body?: ReadableStream | null;
}

export type Forward = (url: URL, init: ForwardedRequest) => Promise<OriginResponse>;

/**
 * Sends one request to the origin. Redirects are not followed, and bodies are not decoded.
 *
 * @throws {CacheUnavailable} if the breaker of the origin is open, if no slot is free in time, or if
 * the origin does not answer or answers with an invalid status.
 */
export function createForward(options: ForwardOptions): Forward {
  const { fetch, now, takeSlot, slotWaitMs, beginCall } = options;
  const { headersTimeoutMs, arrivedAt, retries, adapt } = options;

  function timeLeft(): Millis {
    const waitedMs = now() - arrivedAt;
    // Negative if the clock was set back.
    if (waitedMs < 0 || waitedMs >= headersTimeoutMs + BODY_WAIT_MS) return headersTimeoutMs;
    return headersTimeoutMs - waitedMs;
  }

  return async (url, init) => {
    const leftMs = timeLeft();
    if (leftMs <= 0)
      throw new CacheUnavailable(fault("origin.timeout", "the request has waited for another"));
    const call = beginCall();
    if (!call.ok) throw new CacheUnavailable(call.fault);
    let outcome: CallOutcome = "answered";
    try {
      return await exchangeInSlot(url, init, leftMs);
    } catch (error) {
      // A body that the client sends slowly or breaks off is no failure of the origin, and neither is
      // a request that had waited so long that the origin had little time.
      const isFair = !init.body && leftMs >= headersTimeoutMs * FAIR_PART;
      outcome = isFair && error instanceof CacheUnavailable ? outcomeOf(error.fault) : "ignored";
      throw error;
    } finally {
      call.value.end(outcome);
    }
  };

  async function exchangeInSlot(
    url: URL,
    init: ForwardedRequest,
    leftMs: Millis,
  ): Promise<OriginResponse> {
    const slot = await takeSlot(Math.min(slotWaitMs, leftMs), leftMs + HOLD_SLACK_MS);
    if (!slot.ok) throw new CacheUnavailable(slot.fault);
    try {
      return await exchange(url, init);
    } finally {
      slot.value();
    }
  }

  async function exchange(
    url: URL,
    { method, headers, body }: ForwardedRequest,
  ): Promise<OriginResponse> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeLeft());
    const requestedAt = now();
    const send = (): Promise<Response> =>
      fetch(url, {
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
    // The headers are those of the request that failed, so a client that provokes a failure repeats it once.
    const mayRetry = (error: unknown): boolean =>
      IDEMPOTENT.has(method) &&
      !body &&
      !abort.signal.aborted &&
      isConnectionLost(error) &&
      retries.spend();
    retries.earn();
    try {
      const response = await send().catch((error: unknown) => {
        if (mayRetry(error)) return send();
        throw error;
      });
      if (!isFinal(response, headers.has("Upgrade"))) {
        await response.body?.cancel();
        throw new Error(`answered with status ${response.status}`);
      }
      return toOriginResponse(response, requestedAt, now(), adapt);
    } catch (error) {
      const code = abort.signal.aborted ? "origin.timeout" : "origin.unavailable";
      throw new CacheUnavailable(fault(code, messageOf(error)));
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The methods whose requests are repeated (RFC 9110, 9.2.2). */
const IDEMPOTENT = new Set(["GET", "HEAD"]);

/**
 * Whether the connection ended before the response began. The runtime reports this for a kept
 * connection that the origin has just closed.
 */
function isConnectionLost(error: unknown): boolean {
  return /network connection lost/i.test(messageOf(error));
}

/** RFC 9110, 15: a status outside 100 to 599 is an error, and 1xx is no final response, but for a 101 that was asked for. */
function isFinal({ status, webSocket }: Response, asksForUpgrade: boolean): boolean {
  if (status === 101) return asksForUpgrade && webSocket != null;
  return status >= 200 && status <= 599;
}

function toOriginResponse(
  response: Response,
  requestedAt: EpochMs,
  respondedAt: EpochMs,
  adapt: (headers: Headers) => void,
): OriginResponse {
  const headers = new Headers(response.headers);
  for (const name of hopByHop(response.headers)) headers.delete(name);
  headers.append("Via", `1.1 ${PSEUDONYM}`);
  // RFC 9110, 6.6.1: the recipient adds a missing Date.
  if (parseDate(headers.get("Date"), respondedAt) === undefined && !headers.has("Date"))
    headers.set("Date", formatDate(respondedAt));
  adapt(headers);
  const { status, statusText, body, webSocket, headers: sent } = response;
  return {
    status,
    statusText,
    headers,
    sent,
    body,
    ...(webSocket && { webSocket }),
    requestedAt,
    respondedAt,
  };
}
