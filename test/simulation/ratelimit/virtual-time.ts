/** A simulated clock: it jumps to the next planned event once all earlier ones are done. */
export interface VirtualTime {
  readonly now: () => number;
  after(ms: number, run: () => void): void;
  /** Resolves after `ms`. */
  sleep(ms: number): Promise<void>;
  /** Settles as `work` does, or rejects after `ms`. */
  withTimeout<T>(work: Promise<T>, ms: number): Promise<T>;
  /** Runs all planned events, and those that they plan. */
  run(): Promise<void>;
}

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export function createVirtualTime(startMs: number): VirtualTime {
  let now = startMs;
  let order = 0;
  const heap: Planned[] = [];

  const before = (a: Planned, b: Planned): boolean =>
    a.at < b.at || (a.at === b.at && a.order < b.order);

  function push(planned: Planned): void {
    let i = heap.push(planned) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(planned, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = planned;
  }

  function pop(): Planned | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return first;
  }

  const time: VirtualTime = {
    now: () => now,
    after: (ms, run) => push({ at: now + Math.max(0, ms), order: order++, run }),
    sleep: (ms) => new Promise((resolve) => time.after(ms, resolve)),
    withTimeout: (work, ms) =>
      new Promise((resolve, reject) => {
        work.then(resolve, reject);
        time.after(ms, () => reject(new Error("late")));
      }),
    async run() {
      for (let next = pop(); next !== undefined; next = pop()) {
        now = next.at;
        next.run();
        // Lets the promises of this event settle before the next event of the same instant.
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
  return time;
}
