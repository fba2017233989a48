/** The origin slots of one isolate in virtual time, as src/resilience/bulkhead.ts gives them without overload. */
import { done, failed } from "../../src/core/faults.ts";
import type { Slots } from "../../src/core/origin-slots.ts";
import type { VirtualTime } from "./virtual-time.ts";

export function createSlots(time: VirtualTime, slots: number): Slots {
  type Release = () => void;
  let taken = 0;
  /** The waiting calls of `acquire`. Each takes a slot when it is called. */
  const queue = new Set<() => void>();
  const first: typeof queue = new Set();

  function take(holdMs: number): Release {
    taken++;
    let held = true;
    function release(): void {
      if (!held) return;
      held = false;
      cancel();
      taken--;
      serveWaiting();
    }
    const cancel = time.after(holdMs, release);
    return release;
  }

  function serveWaiting(): void {
    for (const waiters of [first, queue])
      for (const serve of waiters) {
        if (taken >= slots) return;
        waiters.delete(serve);
        serve();
      }
  }

  async function acquireFrom(waiters: typeof queue, waitMs: number, holdMs: number) {
    if (taken < slots) return done(take(holdMs));
    const { promise, resolve } = Promise.withResolvers<Release>();
    let release: Release | undefined;
    const serve = (): void => {
      release = take(holdMs);
      resolve(release);
    };
    waiters.add(serve);
    try {
      return done(await time.withTimeout(promise, waitMs));
    } catch {
      waiters.delete(serve);
      release?.();
      return failed("origin.saturated", `none of ${slots} slots was free in time`);
    }
  }

  return {
    acquire: ({ priority, waitMs, holdMs }) =>
      acquireFrom(priority === "write" || priority === "continued" ? first : queue, waitMs, holdMs),
  };
}
