/** The origin slot of one load, which the load does not keep while it waits for another load. */
import type { CallOutcome, ReleaseSlot } from "../core/origin-slots.ts";
import type { Result } from "../core/result.ts";

export interface LoadSlot {
  /** Runs a read that the load makes. If the load gave its slot back meanwhile, it takes one again. */
  during<T>(read: () => Promise<T>): Promise<T>;
  /**
   * Gives the slot back if a read of the load runs. A read calls it before it waits for a load,
   * because that load may wait for a slot.
   */
  giveBack(): void;
  /**
   * Gives the slot back for good. The outcome counts only if the load kept its slot: otherwise its time
   * includes the loads that it waited for.
   */
  end(outcome: CallOutcome): void;
  hasEnded(): boolean;
}

/**
 * Creates the slot of a load that has taken `release`. `takeAgain` takes a slot after the load gave
 * its own back. If there is none in time, the load continues without a slot: its time is over.
 */
export function createLoadSlot(
  release: ReleaseSlot,
  takeAgain: () => Promise<Result<ReleaseSlot>>,
): LoadSlot {
  let held: ReleaseSlot | undefined = release;
  let wasGivenBack = false;
  let reads = 0;
  let hasEnded = false;

  async function take(): Promise<void> {
    const slot = await takeAgain();
    if (!slot.ok) return;
    // Meanwhile the load may have ended, begun another read, or got a slot after that read.
    if (hasEnded || reads > 0 || held !== undefined) slot.value();
    else held = slot.value;
  }

  function letGo(outcome: CallOutcome): void {
    held?.(outcome);
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
      if (reads === 0) return;
      wasGivenBack = true;
      letGo("unknown");
    },
    end(outcome) {
      hasEnded = true;
      letGo(wasGivenBack ? "unknown" : outcome);
    },
    hasEnded: () => hasEnded,
  };
}
