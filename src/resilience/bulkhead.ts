import { done, failed } from "../core/faults.ts";
import type { Result } from "../core/ports.ts";
import { within } from "./deadline.ts";
import type { Millis } from "../core/time.ts";

/** Gives a place back. Calling it twice does no harm. */
export type Leave = () => void;

export interface Bulkhead {
  enter(waitMs: Millis): Promise<Result<Leave>>;
}

/** At most `places` at once; the others wait in line, each for as long as it can. */
export function createBulkhead({ places }: { readonly places: number }): Bulkhead {
  let free = places;
  const line = new Set<(leave: Leave) => void>();

  /** A place is handed over to the next in line, never freed for a race. */
  function createLeave(): Leave {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const [next] = line;
      if (next === undefined) {
        free++;
        return;
      }
      line.delete(next);
      next(createLeave());
    };
  }

  return {
    async enter(waitMs) {
      if (free > 0) {
        free--;
        return done(createLeave());
      }
      const { promise, resolve } = Promise.withResolvers<Leave>();
      line.add(resolve);
      try {
        return done(await within(promise, waitMs));
      } catch {
        // In the same turn a place may have been handed to us: pass it on.
        if (!line.delete(resolve)) void promise.then((leave) => leave());
        return failed("origin.saturated", "the origin has no place for another load");
      }
    },
  };
}
