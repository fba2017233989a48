import { retryAfter, violated } from "./decision.ts";
import { retryAfterHeader } from "./headers.ts";
/**
 * The answer to a request that does not pass: 429 with the violated policies, or
 * 503 where the ledger is away and the policy is "closed".
 *
 * @see draft-ietf-httpapi-ratelimit-headers-11, quota-exceeded
 */
export function refuse(decision, respond) {
  if (!("standings" in decision))
    return respond({
      status: 503,
      type: "rate-limit-unavailable",
      title: "Rate Limit Unavailable",
      detail: "The limit cannot be checked at the moment.",
      headers: {
        "Retry-After": String(Math.max(1, Math.ceil((decision.fault.retryAfterMs ?? 0) / 1000))),
      },
    });
  const over = violated(decision.standings);
  const limits = over.map(
    ({ policy, balance: { window } }) => `${policy} (${window.limit}/${window.label})`,
  );
  const waitMs = retryAfter(over);
  const advice =
    waitMs === undefined
      ? "It asks for more than the limit ever allows."
      : `Try again in ${Math.max(1, Math.ceil(waitMs / 1000))} s.`;
  return respond({
    status: 429,
    type: "rate-limit-exceeded",
    title: "Too Many Requests",
    detail: `This request is over the limit ${limits.join(", ")}. ${advice}`,
    headers: retryAfterHeader(over),
    extensions: { "violated-policies": over.map(({ policy }) => policy) },
  });
}
