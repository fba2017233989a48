import { DeadlineExceeded } from "../../src/core/deadline.ts";

/** Virtual time: everything that takes time waits here, in an order that a seed decides. */
export interface World {
  /** True time in milliseconds. */
  now(): number;
  /** A number in [0, 1) of this run's own sequence. */
  random(): number;
  /** A whole number from `least` up to `most`. */
  between(least: number, most: number): number;
  sleep(ms: number): Promise<void>;
  /** Runs `call` at a time from now; returns how to prevent it. */
  after(ms: number, call: () => void): () => void;
  /** `work`, or a rejection after `ms`, as the engine's deadline does it. */
  withTimeout<T>(work: Promise<T>, ms: number): Promise<T>;
  newId(): string;
  /** Runs everything until nothing is left to happen or the time is over. */
  run(untilMs: number): Promise<void>;
}

interface Event {
  readonly at: number;
  readonly order: number;
  call: (() => void) | undefined;
}

export function createWorld(seed: number): World {
  let now = 1_000_000;
  let order = 0;
  let ids = 0;
  let state = seed >>> 0;
  const events: Event[] = [];

  /** mulberry32: small, and good enough to shuffle a schedule. */
  function random(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  function push(event: Event): void {
    let at = events.length;
    events.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = events[parent];
      if (above === undefined || isBefore(above, event)) break;
      events[at] = above;
      at = parent;
    }
    events[at] = event;
  }

  function pop(): Event | undefined {
    const top = events[0];
    const last = events.pop();
    if (last === undefined || events.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = events[child + 1];
      let least = events[child];
      if (least === undefined) break;
      if (right !== undefined && isBefore(right, least)) {
        least = right;
        child++;
      }
      if (isBefore(last, least)) break;
      events[at] = least;
      at = child;
    }
    events[at] = last;
    return top;
  }

  function after(ms: number, call: () => void): () => void {
    const event: Event = { at: now + Math.max(0, ms), order: order++, call };
    push(event);
    return () => {
      event.call = undefined;
    };
  }

  return {
    now: () => now,
    random,
    between: (least, most) => least + Math.floor(random() * (most - least + 1)),
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

    async run(untilMs) {
      const end = now + untilMs;
      for (;;) {
        // Everything that was set in motion comes to rest before time goes on.
        await new Promise((resolve) => setImmediate(resolve));
        let next = pop();
        // An event that was cancelled sets nothing in motion.
        while (next !== undefined && next.call === undefined) next = pop();
        if (next === undefined || next.at > end) return;
        now = next.at;
        next.call?.();
      }
    },
  };
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
