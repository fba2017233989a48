import { DeadlineExceeded } from "../../src/core/deadline.ts";
import { createRandom } from "./random.ts";

/**
 * Virtual time for one simulation: timers fire in order, without waiting. With the random numbers
 * and ids that come from the same seed, a run can be repeated exactly.
 */
export interface VirtualTime {
  /** Milliseconds since the Unix epoch, as no isolate's clock is off. */
  now(): number;
  /** A number in [0, 1) from this run's seed. */
  random(): number;
  sleep(ms: number): Promise<void>;
  /** Runs `call` after `ms`. Returns a function that cancels it. */
  after(ms: number, call: () => void): () => void;
  /** Returns `work`, or rejects with DeadlineExceeded after `ms`. */
  withTimeout<T>(work: Promise<T>, ms: number): Promise<T>;
  newId(): string;
  /** Fires timers until none is left, or until `forMs` have passed. */
  run(forMs?: number): Promise<void>;
}

export interface VirtualTimeOptions {
  /** Default 1,000,000. */
  readonly startMs?: number;
  /** Seed of `random`. Default 0. */
  readonly seed?: number;
}

interface Timer {
  readonly at: number;
  /** Orders timers of the same instant as they were set. */
  readonly order: number;
  call: (() => void) | undefined;
}

export function createVirtualTime({
  startMs = 1_000_000,
  seed = 0,
}: VirtualTimeOptions = {}): VirtualTime {
  let now = startMs;
  let order = 0;
  let ids = 0;
  /** A binary heap: the next timer is first. */
  const timers: Timer[] = [];

  function push(timer: Timer): void {
    let at = timers.length;
    timers.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = timers[parent];
      if (above === undefined || isBefore(above, timer)) break;
      timers[at] = above;
      at = parent;
    }
    timers[at] = timer;
  }

  function pop(): Timer | undefined {
    const top = timers[0];
    const last = timers.pop();
    if (last === undefined || timers.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = timers[child + 1];
      let least = timers[child];
      if (least === undefined) break;
      if (right !== undefined && isBefore(right, least)) {
        least = right;
        child++;
      }
      if (isBefore(last, least)) break;
      timers[at] = least;
      at = child;
    }
    timers[at] = last;
    return top;
  }

  function after(ms: number, call: () => void): () => void {
    const timer: Timer = { at: now + Math.max(0, ms), order: order++, call };
    push(timer);
    return () => {
      timer.call = undefined;
    };
  }

  /** Fires the next timer that is not cancelled. Returns false if there is none until `end`. */
  function fireNext(end: number): boolean {
    let next: Timer | undefined;
    do {
      const first = timers[0];
      if (first === undefined || first.at > end) {
        if (end < Infinity) now = Math.max(now, end);
        return false;
      }
      next = pop();
      if (next === undefined) return false;
      now = next.at;
      // A cancelled timer has no callback, so nothing runs at its time.
    } while (next.call === undefined);
    next.call();
    return true;
  }

  return {
    now: () => now,
    random: createRandom(seed),
    sleep: (ms) => new Promise((resolve) => void after(ms, resolve)),
    after,
    newId: () => `id${ids++}`,

    withTimeout(work, ms) {
      return new Promise((resolve, reject) => {
        const cancel = after(ms, () => {
          reject(new DeadlineExceeded(ms));
        });
        work.then(resolve, reject).finally(cancel);
      });
    },

    run(forMs = Infinity) {
      const end = now + forMs;
      return new Promise((resolve, reject) => {
        let isOver = false;

        /** Fires the next timer. The promise callbacks of a timer run before the next immediate. */
        function fire(): void {
          if (isOver) return;
          try {
            isOver = !fireNext(end);
            if (isOver) resolve();
          } catch (error) {
            isOver = true;
            reject(error);
          }
        }

        /** Fires many timers in one turn of the event loop, because a turn costs more than a timer. */
        function turn(): void {
          if (isOver) return;
          for (let i = 0; i < TIMERS_IN_TURN; i++) setImmediate(fire);
          setImmediate(turn);
        }
        setImmediate(turn);
      });
    },
  };
}

const TIMERS_IN_TURN = 64;

function isBefore(one: Timer, other: Timer): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
