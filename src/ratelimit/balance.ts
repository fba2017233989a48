import type { EpochMs } from "../core/time.ts";
import { room, waitFor, type Bucket } from "./bucket.ts";
import type { Balance } from "./ledger.ts";
import type { Window } from "./window.ts";

/** What a bucket has left at `now`, and when it will have more. */
export function balanceOf(bucket: Bucket, window: Window, now: EpochMs, cost: number): Balance {
  const remaining = Math.max(0, room(bucket, window, now));
  const full = remaining >= window.limit;
  return {
    window,
    remaining,
    resetMs: full ? 0 : waitFor(bucket, window, now, remaining + 1),
    waitMs: cost === 0 ? 0 : waitFor(bucket, window, now, cost),
  };
}
