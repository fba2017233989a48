/**
 * The sliding window in two buckets: what was used in the current span, and what
 * was used in the one before, which fades as the current one passes.
 *
 * A bucket begins when an identity is first charged, not at a round time: a burst
 * of a newcomer falls into one bucket and is admitted exactly up to the limit.
 *
 * What fades is taken for evenly spaced, the first token at the start of its span.
 * So after a burst the first token returns exactly one span later.
 *
 * The error: with P used in the previous span, W the span and e what has passed of
 * the current one, it admits at most `limit + P * e / W + 1` in the last W, and
 * never more than twice the limit; it refuses at most `P * (1 - e / W)` too many.
 *
 * @see https://blog.cloudflare.com/counting-things-a-lot-of-different-things/
 */
import type { EpochMs, Millis } from "../core/time.ts";
import type { Window } from "./window.ts";

export interface Bucket {
  readonly startMs: EpochMs;
  readonly current: number;
  readonly previous: number;
}

export function emptyBucket(now: EpochMs): Bucket {
  return { startMs: now, current: 0, previous: 0 };
}

/** The bucket as it is at `now`: spans that have passed move on, or are forgotten. */
function roll(bucket: Bucket, { widthMs }: Window, now: EpochMs): Bucket {
  const passed = now - bucket.startMs;
  if (passed < widthMs) return bucket;
  if (passed >= 2 * widthMs) return emptyBucket(now);
  return { startMs: bucket.startMs + widthMs, current: 0, previous: bucket.current };
}

/** Whole tokens that are left at `now`; below 0 after charges that were not asked about. */
export function room(bucket: Bucket, window: Window, now: EpochMs): number {
  const { limit, widthMs } = window;
  const { startMs, current, previous } = roll(bucket, window, now);
  const passed = Math.max(0, now - startMs);
  const fading = Math.max(0, Math.floor((previous * (widthMs - passed) - 1) / widthMs));
  return limit - current - fading;
}

/** How long until `cost` tokens are left, to the millisecond; 0 if they are, Infinity if they never will be. */
export function waitFor(bucket: Bucket, window: Window, now: EpochMs, cost: number): Millis {
  const { limit, widthMs } = window;
  if (cost > limit) return Infinity;
  const { startMs, current, previous } = roll(bucket, window, now);
  const left = limit - cost - current;
  // In this span, once no more than `left` of the previous one remain: P * (W - e) <= (left + 1) * W.
  if (left >= 0) return Math.max(0, startMs + fadedAfter(previous, left, widthMs) - now);
  // In the next span, once no more than `limit - cost` of this one remain.
  return Math.max(0, startMs + widthMs + fadedAfter(current, limit - cost, widthMs) - now);
}

/** How much of the next span must pass until at most `rest` of `tokens` remain. */
function fadedAfter(tokens: number, rest: number, widthMs: Millis): Millis {
  if (tokens === 0) return 0;
  return Math.max(0, widthMs - Math.floor(((rest + 1) * widthMs) / tokens));
}

/** The bucket with `tokens` more, used `ageMs` ago. What was used too long ago no longer counts. */
export function charge(
  bucket: Bucket,
  window: Window,
  now: EpochMs,
  tokens: number,
  ageMs: Millis = 0,
): Bucket {
  const at = now - ageMs;
  let rolled = roll(bucket, window, now);
  if (tokens === 0) return rolled;
  if (rolled.current === 0 && rolled.previous === 0) rolled = roll(emptyBucket(at), window, now);
  if (at >= rolled.startMs || ageMs === 0) return { ...rolled, current: rolled.current + tokens };
  // An identity's first span began earlier than was known.
  if (rolled.previous === 0 && ageMs < window.widthMs)
    return { startMs: at, current: rolled.current + tokens, previous: 0 };
  if (at >= rolled.startMs - window.widthMs)
    return { ...rolled, previous: rolled.previous + tokens };
  return rolled;
}
