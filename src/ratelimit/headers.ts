/** The header fields that tell callers of limits. */
import type { EpochMs, Millis } from "../core/time.ts";
import type { Window } from "./limit.ts";
import { retryAfter, violated, windowName, type Asked, type Standing } from "./decision.ts";

const seconds = (ms: Millis): number => Math.ceil(ms / 1_000);

const PLAIN = /^[\w .:/*~-]*$/;

/** A string of structured fields (RFC 9651, 3.3.3): visible ASCII, quotes and backslashes escaped. */
function sfString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  return `"${text.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, "\\$&")}"`;
}

/** What never changes of an account's policy, by its windows: they are the same object with every request. */
const written = new WeakMap<
  readonly Window[],
  { readonly policy: string; readonly text: string }
>();

/** `RateLimit-Policy`: every policy that applies, with its quota and its span in seconds. */
export function rateLimitPolicy(asked: readonly Asked[]): string {
  return asked.map(policyText).join(", ");
}

function policyText({ policy, windows }: Asked): string {
  const known = written.get(windows);
  if (known?.policy === policy) return known.text;
  const text = windows
    .map(({ limit, widthMs, label }) => {
      const name = sfString(windowName(policy, windows.length, label));
      return `${name};q=${limit};w=${seconds(widthMs)}`;
    })
    .join(", ");
  written.set(windows, { policy, text });
  return text;
}

/** `RateLimit`: what each policy has left (r), and in how many seconds it will have more (t). */
export function rateLimit(standings: readonly Standing[]): string {
  return standings
    .map(
      ({ policy, balance }) =>
        `${sfString(policy)};r=${balance.remaining};t=${seconds(balance.resetMs)}`,
    )
    .join(", ");
}

/** The standing that speaks for all in `X-RateLimit-*`: what refuses, else what has the least left. */
export function binding(standings: readonly Standing[]): Standing | undefined {
  const candidates = violated(standings).length > 0 ? violated(standings) : standings;
  return candidates.reduce<Standing | undefined>(
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
export function plainHeaders(standing: Standing, now: EpochMs): [name: string, value: string][] {
  const { window, remaining, resetMs, waitMs } = standing.balance;
  const ms = waitMs > 0 && waitMs < Infinity ? waitMs : resetMs;
  return [
    ["X-RateLimit-Limit", String(window.limit)],
    ["X-RateLimit-Remaining", String(remaining)],
    ["X-RateLimit-Reset", String(seconds(now + ms))],
  ];
}

/** `Retry-After` in seconds; nothing if no waiting helps. */
export function retryAfterHeader(standings: readonly Standing[]): Record<string, string> {
  const ms = retryAfter(standings);
  return ms === undefined ? {} : { "Retry-After": String(Math.max(1, seconds(ms))) };
}
