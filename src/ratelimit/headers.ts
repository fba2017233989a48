/** The header fields that tell callers of limits. */
import type { EpochMs, Millis } from "../core/time.ts";
import type { Balance } from "./ledger.ts";
import type { Window } from "./window.ts";
import { retryAfter, windowName, type Asked, type Standing } from "./decision.ts";

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
  let least: Standing | undefined;
  for (const next of standings)
    if (least === undefined || isTighter(next.balance, least.balance)) least = next;
  return least;
}

function isTighter(a: Balance, b: Balance): boolean {
  if (a.waitMs > 0 !== b.waitMs > 0) return a.waitMs > 0;
  return a.remaining === b.remaining ? a.waitMs > b.waitMs : a.remaining < b.remaining;
}

/** `X-RateLimit-Limit`, `-Remaining` and `-Reset`. */
export interface PlainLimit {
  readonly limit: number;
  readonly remaining: number;
  /** The Unix time in seconds at which there is more, or at which a refused request fits. */
  readonly reset: number;
}

export function plainLimit({ balance }: Standing, now: EpochMs): PlainLimit {
  const { window, remaining, resetMs, waitMs } = balance;
  const ms = waitMs > 0 && waitMs < Infinity ? waitMs : resetMs;
  return { limit: window.limit, remaining, reset: seconds(now + ms) };
}

/** `Retry-After` in seconds; nothing if no waiting helps. */
export function retryAfterHeader(standings: readonly Standing[]): Record<string, string> {
  const ms = retryAfter(standings);
  return ms === undefined ? {} : { "Retry-After": String(Math.max(1, seconds(ms))) };
}
