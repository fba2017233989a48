import { done, failed } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";
import { withTimeout } from "./deadline.ts";

/** Gives a place back. Calling it twice does no harm. */
export type Leave = () => void;

export interface Bulkhead {
  /** `holdMs`: after this long a place is free again, whatever has become of its holder. */
  enter(waitMs: Millis, holdMs: Millis): Promise<Result<Leave>>;
}

export interface BulkheadOptions {
  readonly slots: number;
  readonly now: Clock;
}

interface Slot {
  readonly since: EpochMs;
  readonly holdMs: Millis;
}

interface Waiter {
  readonly holdMs: Millis;
  readonly resolve: (leave: Leave) => void;
}

/**
 * At most `places` at once; the others wait in line, each for as long as it can.
 * A request that the platform ends gives nothing back: its place is taken from it.
 */
export function createBulkhead({ slots: places, now }: BulkheadOptions): Bulkhead {
  const held = new Set<Slot>();
  const line = new Set<Waiter>();

  function take(holdMs: Millis): Leave {
    const place = { since: now(), holdMs };
    held.add(place);
    return () => {
      if (held.delete(place)) admit();
    };
  }

  /** A free place is handed to the next in line, never left for a race. */
  function admit(): void {
    if (held.size >= places) reclaim();
    for (const waiter of line) {
      if (held.size >= places) return;
      line.delete(waiter);
      waiter.resolve(take(waiter.holdMs));
    }
  }

  function reclaim(): void {
    const at = now();
    for (const place of held)
      if (at < place.since || at >= place.since + place.holdMs) held.delete(place);
  }

  return {
    async enter(waitMs, holdMs) {
      admit();
      if (held.size < places) return done(take(holdMs));
      const { promise, resolve } = Promise.withResolvers<Leave>();
      const waiter = { holdMs, resolve };
      line.add(waiter);
      try {
        return done(await withTimeout(promise, waitMs));
      } catch {
        // In the same turn a place may have been handed to us: pass it on.
        if (!line.delete(waiter)) void promise.then((leave) => leave());
        return failed("origin.saturated", "the origin has no place for another load");
      }
    },
  };
}
