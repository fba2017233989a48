import { done, failed } from "../../src/core/faults.ts";
import type { ChangeQueue, QueuedChange } from "../../src/writes/behind.ts";

/** A queue in memory. It delivers when the test calls `drain`, and refuses while `refusing` is set. */
export function createChangeQueue(deliver: (change: QueuedChange) => Promise<void>) {
  const waiting: QueuedChange[] = [];
  const queue: ChangeQueue & {
    refusing: boolean;
    readonly waiting: readonly QueuedChange[];
    /** Delivers all changes, the last one twice. */
    drain(): Promise<void>;
  } = {
    refusing: false,
    waiting,
    send: (change) => {
      if (queue.refusing) return Promise.resolve(failed("origin.unavailable", "queue is away"));
      waiting.push(change);
      return Promise.resolve(done(undefined));
    },
    async drain() {
      const last = waiting.at(-1);
      for (const change of waiting.splice(0)) await deliver(change);
      if (last !== undefined) await deliver(last);
    },
  };
  return queue;
}
