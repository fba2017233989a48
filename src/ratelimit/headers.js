import { retryAfter, violated, windowName } from "./decision.ts";
const seconds = (ms) => Math.ceil(ms / 1000);
/** A string of structured fields (RFC 9651, 3.3.3): visible ASCII, quotes and backslashes escaped. */
function sfString(text) {
  return `"${text.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, "\\$&")}"`;
}
/** `RateLimit-Policy`: every policy that applies, with its quota and its span in seconds. */
export function rateLimitPolicy(asked) {
  return asked
    .flatMap(({ policy, windows }) =>
      windows.map(({ limit, widthMs, label }) => {
        const name = sfString(windowName(policy, windows.length, label));
        return `${name};q=${limit};w=${seconds(widthMs)}`;
      }),
    )
    .join(", ");
}
/** `RateLimit`: what each policy has left (r), and in how many seconds it will have more (t). */
export function rateLimit(standings) {
  return standings
    .map(
      ({ policy, balance }) =>
        `${sfString(policy)};r=${balance.remaining};t=${seconds(balance.resetMs)}`,
    )
    .join(", ");
}
/** The standing that speaks for all in `X-RateLimit-*`: what refuses, else what has the least left. */
export function binding(standings) {
  const candidates = violated(standings).length > 0 ? violated(standings) : standings;
  return candidates.reduce(
    (least, next) =>
      least === undefined ||
      next.balance.remaining < least.balance.remaining ||
      (next.balance.remaining === least.balance.remaining &&
        next.balance.waitMs > least.balance.waitMs)
        ? next
        : least,
    undefined,
  );
}
/**
 * `X-RateLimit-Limit`, `-Remaining`, and `-Reset`: the Unix time in seconds at
 * which there is more, or at which a refused request fits.
 */
export function plainHeaders(standing, now) {
  const { window, remaining, resetMs, waitMs } = standing.balance;
  const ms = waitMs > 0 && waitMs < Infinity ? waitMs : resetMs;
  return [
    ["X-RateLimit-Limit", String(window.limit)],
    ["X-RateLimit-Remaining", String(remaining)],
    ["X-RateLimit-Reset", String(seconds(now + ms))],
  ];
}
/** `Retry-After` in seconds; nothing if no waiting helps. */
export function retryAfterHeader(standings) {
  const ms = retryAfter(standings);
  return ms === undefined ? {} : { "Retry-After": String(Math.max(1, seconds(ms))) };
}
