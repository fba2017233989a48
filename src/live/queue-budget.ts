/** The bound of the bytes that wait for all readers of live events in one isolate. */

/** The queue of one reader. */
export interface ReaderQueue {
  /** Returns the bytes that wait now. */
  bytes(): number;
  /** Called once if the reader has to give its bytes up. */
  cutOff(): void;
}

export interface QueueBudget {
  /** Counts a queue to which bytes have been added. A queue that is counted for the first time is added. */
  count(queue: ReaderQueue): void;
  /** Removes a queue. It is called when the stream of the queue has ended. */
  remove(queue: ReaderQueue): void;
  /** The bytes that wait for all readers. */
  readonly bytes: number;
}

/**
 * Creates the account of an isolate. While more than `maxBytes` wait, the reader with the most bytes is cut off: it reads
 * the slowest, and it frees the most. A queue does not tell when it is read, so all queues are counted again before
 * one is cut off.
 */
export function createQueueBudget(maxBytes: number): QueueBudget {
  /** The bytes of each queue when it was counted last. */
  const counted = new Map<ReaderQueue, number>();
  let total = 0;

  function add(queue: ReaderQueue): void {
    const bytes = queue.bytes();
    total += bytes - (counted.get(queue) ?? 0);
    counted.set(queue, bytes);
  }

  function remove(queue: ReaderQueue): void {
    total -= counted.get(queue) ?? 0;
    counted.delete(queue);
  }

  function countAll(): void {
    for (const queue of counted.keys()) add(queue);
  }

  return {
    count(queue) {
      add(queue);
      if (total <= maxBytes) return;
      countAll();
      const slowest = [...counted].toSorted(([, a], [, b]) => b - a);
      for (const [victim] of slowest) {
        if (total <= maxBytes) return;
        remove(victim);
        victim.cutOff();
      }
    },
    remove,
    get bytes() {
      countAll();
      return total;
    },
  };
}
