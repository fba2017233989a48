/** The origin slot of one load, which the load does not keep while it waits for another load. */
import type { Result } from "../core/result.ts";

export interface LoadSlot {
  /** Runs a read that the load makes. If the load gave its slot back meanwhile, it takes one again. */
  during<T>(read: () => Promise<T>): Promise<T>;
  /**
   * Gives the slot back if a read of the load runs. A read calls it before it waits for a load,
   * because that load may wait for a slot.
   */
  giveBack(): void;
  /** Gives the slot back for good. */
  end(): void;
  hasEnded(): boolean;
}

type Release = () => void;

/**
 * Creates the slot of a load that has taken `release`. `takeAgain` takes a slot after the load gave
 * its own back. If there is none in time, the load continues without a slot: its time is over.
 */
export function createLoadSlot(
  release: Release,
  takeAgain: () => Promise<Result<Release>>,
): LoadSlot {
  let held: Release | undefined = release;
  let reads = 0;
  let hasEnded = false;

  async function take(): Promise<void> {
    const slot = await takeAgain();
    if (!slot.ok) return;
    // Meanwhile the load may have ended, begun another read, or got a slot after that read.
    if (hasEnded || reads > 0 || held !== undefined) slot.value();
    else held = slot.value;
  }

  function letGo(): void {
    held?.();
    held = undefined;
  }

  return {
    async during(read) {
      reads++;
      try {
        return await read();
      } finally {
        reads--;
        if (reads === 0 && held === undefined && !hasEnded) await take();
      }
    },
    giveBack() {
      if (reads > 0) letGo();
    },
    end() {
      hasEnded = true;
      letGo();
    },
    hasEnded: () => hasEnded,
  };
}
