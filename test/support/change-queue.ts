import { done, failed } from "../../src/core/faults.ts";
import type { ChangeQueue, QueuedChange } from "../../src/writes/behind.ts";

/** A queue in memory: delivers when it is told to, at least once, and can refuse. */
export function createChangeQueue(deliver: (change: QueuedChange) => Promise<void>) {
  const waiting: QueuedChange[] = [];
  const queue: ChangeQueue & {
    refusing: boolean;
    readonly waiting: readonly QueuedChange[];
    /** Delivers everything, the last change twice. */
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
