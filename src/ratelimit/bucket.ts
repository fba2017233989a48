/**
 * The sliding window in two buckets: tokens used in the current span, and tokens used in the
 * previous span, which count for less as the current span passes.
 *
 * The first span begins when an account is first charged, not at a round time. So the first
 * burst of a new client falls into one bucket and is admitted exactly up to the limit.
 *
 * The tokens of the previous span are assumed to be spread evenly, the first of them at the
 * start of the span. So after a burst the first token returns exactly one span later.
 *
 * Error bound, with P tokens used in the previous span, W the width of a span and e the elapsed
 * part of the current one: in any W at most `limit + P * e / W + 1` tokens are admitted, and never
 * more than twice the limit; at most `P * (1 - e / W)` tokens are refused without need.
 *
 * @see https://blog.cloudflare.com/counting-things-a-lot-of-different-things/
 */
import type { EpochMs, Millis } from "../core/time.ts";
import type { Balance, Window } from "./window.ts";

export interface Bucket {
  readonly startMs: EpochMs;
  readonly current: number;
  readonly previous: number;
}

export function emptyBucket(now: EpochMs): Bucket {
  return { startMs: now, current: 0, previous: 0 };
}

/**
 * Returns the bucket as it is at `now`. If its span has ended, that span becomes the previous one,
 * or both spans are over.
 */
function roll(bucket: Bucket, { widthMs }: Window, now: EpochMs): Bucket {
  const elapsedMs = now - bucket.startMs;
  if (elapsedMs < widthMs) return bucket;
  if (elapsedMs >= 2 * widthMs) return emptyBucket(now);
  return { startMs: bucket.startMs + widthMs, current: 0, previous: bucket.current };
}

/** Returns the whole tokens left at `now`. The result is negative if debts took the account past its limit. */
export function room(bucket: Bucket, window: Window, now: EpochMs): number {
  const { limit, widthMs } = window;
  const { startMs, current, previous } = roll(bucket, window, now);
  const elapsedMs = Math.max(0, now - startMs);
  const fading = Math.max(0, Math.floor((previous * (widthMs - elapsedMs) - 1) / widthMs));
  return limit - current - fading;
}

/**
 * Returns the wait until `cost` tokens are left, exact to the millisecond: 0 if they are left now,
 * Infinity if `cost` is above the limit.
 */
export function waitFor(bucket: Bucket, window: Window, now: EpochMs, cost: number): Millis {
  const { limit, widthMs } = window;
  if (cost > limit) return Infinity;
  const { startMs, current, previous } = roll(bucket, window, now);
  const left = limit - cost - current;
  // The wait ends in this span, when at most `left` tokens of the previous span are still counted:
  // P * (W - e) <= (left + 1) * W.
  if (left >= 0) return Math.max(0, startMs + fadeTime(previous, left, widthMs) - now);
  // The wait ends in the next span, when at most `limit - cost` tokens of this span are still counted.
  return Math.max(0, startMs + widthMs + fadeTime(current, limit - cost, widthMs) - now);
}

/** Returns how many milliseconds of the next span must pass until at most `rest` of `tokens` still count. */
function fadeTime(tokens: number, rest: number, widthMs: Millis): Millis {
  if (tokens === 0) return 0;
  return Math.max(0, widthMs - Math.floor(((rest + 1) * widthMs) / tokens));
}

/**
 * Returns the bucket with `tokens` added that were used `ageMs` ago. Tokens used before the
 * previous span are ignored.
 */
export function charge(
  bucket: Bucket,
  window: Window,
  now: EpochMs,
  tokens: number,
  ageMs: Millis = 0,
): Bucket {
  const usedAt = now - ageMs;
  let rolled = roll(bucket, window, now);
  if (tokens === 0) return rolled;
  if (rolled.current === 0 && rolled.previous === 0)
    rolled = roll(emptyBucket(usedAt), window, now);
  if (usedAt >= rolled.startMs || ageMs === 0)
    return { ...rolled, current: rolled.current + tokens };
  // The tokens were used before the bucket's first span, so that span is moved back to the instant
  // of their use.
  if (rolled.previous === 0 && ageMs < window.widthMs)
    return { startMs: usedAt, current: rolled.current + tokens, previous: 0 };
  if (usedAt >= rolled.startMs - window.widthMs)
    return { ...rolled, previous: rolled.previous + tokens };
  return rolled;
}

/** Returns the bucket without tokens that were charged at `chargedAt`, shortly before `now`. */
export function giveBack(
  bucket: Bucket,
  window: Window,
  now: EpochMs,
  tokens: number,
  chargedAt: EpochMs,
): Bucket {
  const rolled = roll(bucket, window, now);
  const { startMs, current, previous } = rolled;
  return chargedAt >= startMs
    ? { ...rolled, current: Math.max(0, current - tokens) }
    : { ...rolled, previous: Math.max(0, previous - tokens) };
}

/**
 * Returns the instant from which on the bucket is as good as empty; 0 if it is empty already. It
 * changes only with the span.
 */
export function emptyAt({ startMs, current, previous }: Bucket, { widthMs }: Window): EpochMs {
  if (current > 0) return startMs + 2 * widthMs;
  return previous > 0 ? startMs + widthMs : 0;
}

/** Returns the tokens left at `now`, the wait until more are left, and the wait until `cost` tokens fit. */
export function balanceOf(bucket: Bucket, window: Window, now: EpochMs, cost: number): Balance {
  const remaining = Math.max(0, room(bucket, window, now));
  const isUnused = remaining >= window.limit;
  return {
    window,
    remaining,
    resetMs: isUnused ? 0 : waitFor(bucket, window, now, remaining + 1),
    waitMs: cost === 0 ? 0 : waitFor(bucket, window, now, cost),
  };
}
