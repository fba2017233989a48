import type { Millis } from "../core/time.ts";
import { windowStatuses, type Decision, type RequestAccount } from "./decision.ts";

/** The parts of a problem response (RFC 9457). */
export interface ProblemParts {
  readonly status: number;
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** The port to the function that makes problem responses. */
export type Respond<R = Response> = (parts: ProblemParts) => R;

/**
 * Makes the response to a refused request: 429 with the violated policies, or 503 if the ledger is
 * unavailable and the limiter is "closed".
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-11 "quota-exceeded"
 */
export function refuse<R>(
  decision: Decision,
  accounts: readonly RequestAccount[],
  respond: Respond<R>,
): R {
  if (!("balances" in decision))
    return respond({
      status: 503,
      type: "rate-limit-unavailable",
      title: "Rate Limit Unavailable",
      detail: "The limit cannot be checked at the moment.",
      headers: { "Retry-After": String(retrySeconds(decision.fault.retryAfterMs ?? 0)) },
    });
  const exceeded = windowStatuses(accounts, decision.balances).filter(
    ({ balance }) => balance.waitMs > 0,
  );
  const limits = exceeded.map(
    ({ policy, balance: { window } }) => `${policy} (${window.limit}/${window.label})`,
  );
  const waitMs = Math.max(0, ...exceeded.map(({ balance }) => balance.waitMs));
  const canRetry = Number.isFinite(waitMs);
  const advice = canRetry
    ? `Try again in ${retrySeconds(waitMs)} s.`
    : "It asks for more than the limit ever allows.";
  return respond({
    status: 429,
    type: "rate-limit-exceeded",
    title: "Too Many Requests",
    detail: `This request is over the limit ${limits.join(", ")}. ${advice}`,
    headers: canRetry ? { "Retry-After": String(retrySeconds(waitMs)) } : {},
    extensions: { "violated-policies": exceeded.map(({ policy }) => policy) },
  });
}

/**
 * Makes the response to a client whose address is not known. Such clients have no account together,
 * because one of them could use it up for all others.
 */
export function refuseUnknownAddress(respond: Respond): Response {
  return respond({
    status: 400,
    type: "client-address-unknown",
    title: "Client Address Unknown",
    detail:
      "The network in front of this Worker names no valid client address, so the request cannot be counted.",
    headers: {},
  });
}

/** Returns the whole seconds to wait, at least 1: a client that retries after 0 s would be refused again. */
function retrySeconds(ms: Millis): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
