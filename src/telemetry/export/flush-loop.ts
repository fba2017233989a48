import type { Clock, EpochMs, Millis } from "../../core/time.ts";

export interface FlushLoopOptions {
  /** Sends what there is. Never rejects. */
  readonly run: () => Promise<void>;
  readonly isEmpty: () => boolean;
  /** Whether it should be sent now, whenever the last run was. Default never. */
  readonly isFull?: () => boolean;
  /** Between the starts of two runs. */
  readonly everyMs: Millis;
  readonly now: Clock;
  readonly sleep: (ms: Millis) => Promise<void>;
}

export interface FlushLoop {
  /** To be called with every request that leaves something to send; costs a comparison mostly. */
  kick(at: EpochMs, waitUntil: (work: Promise<unknown>) => void): void;
}

/** A request's background ends 30 s after its response: another one takes over long before. */
const HANDOVER_MS = 5_000;
const LIFE_MS = 20_000;

/**
 * Sends in the background of requests, as there are no timers between them: the first that leaves
 * something begins at once, and sends for those that come meanwhile. If its background
 * is ended early, a later request takes over.
 */
export function createFlushLoop(options: FlushLoopOptions): FlushLoop {
  const { run, isEmpty, isFull = () => false, everyMs, now, sleep } = options;
  let owner = 0;
  let active = false;
  let running = false;
  let activeSince = Number.NEGATIVE_INFINITY;
  let ranAt = Number.NEGATIVE_INFINITY;

  async function loop(me: number): Promise<void> {
    const until = now() + LIFE_MS;
    do {
      const waitMs = isFull() ? 0 : ranAt + everyMs - now();
      if (waitMs > 0) await sleep(waitMs);
      if (me !== owner) return;
      ranAt = now();
      running = true;
      await run();
      if (me === owner) running = false;
    } while (me === owner && !isEmpty() && now() < until);
    if (me === owner) active = false;
  }

  return {
    kick(at, waitUntil) {
      const age = at - activeSince;
      const isHeld = active && age >= 0 && age < HANDOVER_MS;
      // Who sleeps while there is enough to send finds that it has been taken over.
      if (isHeld && (running || !isFull())) return;
      active = true;
      running = false;
      activeSince = at;
      owner++;
      waitUntil(loop(owner));
    },
  };
}
