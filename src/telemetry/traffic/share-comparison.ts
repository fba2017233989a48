import type { Defer } from "../../core/breaker.ts";
import { isDeadlineExceeded, type WithTimeout } from "../../core/deadline.ts";
import { ComparisonBusy, type Comparison, type CompareSettings } from "../../core/traffic.ts";
import type { Clock, EpochMs, Millis } from "../../core/time.ts";

/** The longest wait of a request for the comparisons of other requests, all together. */
const MAX_WAIT_MS: Millis = 30_000;
/** A comparison counts as ended after this time: the platform may have ended its request. */
const MAX_RUN_MS: Millis = 30_000;

export interface SharedComparisonOptions {
  readonly compare: CompareSettings;
  readonly now: Clock;
  readonly withTimeout: WithTimeout;
  /** Keeps a comparison alive when the client of its request has left, because other requests may wait for it. */
  readonly keepAlive: Defer;
}

interface Running {
  readonly id: string;
  readonly work: Promise<Comparison>;
  readonly until: EpochMs;
}

/**
 * Runs one comparison at a time, because a comparison computes for seconds. Requests with equal settings share
 * it. The others wait until it has ended, and are refused with `ComparisonBusy` after 30 s, however many
 * comparisons they have waited for.
 */
export function shareComparison(options: SharedComparisonOptions): CompareSettings {
  const { compare, now, withTimeout, keepAlive } = options;
  let running: Running | undefined;

  function start(id: string, ...args: Parameters<CompareSettings>): Promise<Comparison> {
    const own = { id, work: compare(...args), until: now() + MAX_RUN_MS };
    running = own;
    const end = (): void => {
      if (running === own) running = undefined;
    };
    keepAlive(own.work.then(end, end));
    return own.work;
  }

  return async (kind, candidates) => {
    const id = JSON.stringify([kind, candidates]);
    const until = now() + MAX_WAIT_MS;
    while (running !== undefined && now() < running.until) {
      const other: Running = running;
      const waitMs = Math.min(until, other.until) - now();
      if (waitMs <= 0) throw new ComparisonBusy();
      try {
        const shared = await withTimeout(other.work, waitMs);
        if (other.id === id) return shared;
      } catch (error) {
        if (other.id === id && !isDeadlineExceeded(error)) throw error;
      }
    }
    return start(id, kind, candidates);
  };
}
