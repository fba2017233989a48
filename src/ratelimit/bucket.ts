/**
 * The sliding window in two buckets: what was used in the current span, and what
 * was used in the one before, which fades as the current one passes.
 *
 * A bucket begins when an identity is first charged, not at a round time: a burst
 * of a newcomer falls into one bucket and is admitted exactly up to the limit.
 *
 * The error: between two spans the form assumes that the previous use was spread
 * evenly. With P used in the previous bucket, W the span and e what has passed of
 * the current one, it admits at most `limit + P * e / W` in the last W, so less
 * than twice the limit at worst, and refuses at most `P * (1 - e / W)` too many.
 *
 * @see https://blog.cloudflare.com/counting-things-a-lot-of-different-things/
 */
import type { EpochMs, Millis } from "../core/time.ts";
import type { Window } from "./limit.ts";

export interface Bucket {
  readonly startMs: EpochMs;
  readonly current: number;
  readonly previous: number;
}

export function emptyBucket(now: EpochMs): Bucket {
  return { startMs: now, current: 0, previous: 0 };
}

/** The bucket as it is at `now`: spans that have passed move on, or are forgotten. */
export function roll(bucket: Bucket, { widthMs }: Window, now: EpochMs): Bucket {
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
  return Math.floor(
    (limit * widthMs - previous * (widthMs - passed) - current * widthMs) / widthMs,
  );
}

/** How long until `cost` tokens are left, to the millisecond; 0 if they are, Infinity if they never will be. */
export function waitFor(bucket: Bucket, window: Window, now: EpochMs, cost: number): Millis {
  const { limit, widthMs } = window;
  if (cost > limit) return Infinity;
  const { startMs, current, previous } = roll(bucket, window, now);
  const left = limit - cost - current;
  // While this span lasts, the previous one fades: previous * (W - e) <= left * W.
  if (left >= 0) {
    if (previous === 0) return 0;
    const fadedAt = startMs + widthMs - Math.floor((left * widthMs) / previous);
    return Math.max(0, fadedAt - now);
  }
  // In the next span this one fades: current * (W - e) <= (limit - cost) * W.
  const fadedAt = startMs + 2 * widthMs - Math.floor(((limit - cost) * widthMs) / current);
  return Math.max(0, fadedAt - now);
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
  if (at >= rolled.startMs - window.widthMs)
    return { ...rolled, previous: rolled.previous + tokens };
  return rolled;
}
