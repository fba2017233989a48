import type { Defer } from "../../core/breaker.ts";
import { isDeadlineExceeded, type WithTimeout } from "../../core/deadline.ts";
import type { Comparison, CompareSettings } from "../../core/traffic.ts";
import type { Millis } from "../../core/time.ts";

/** The longest wait for one comparison that another request runs. After it, the comparison counts as ended. */
const MAX_WAIT_MS: Millis = 30_000;

export interface SharedComparisonOptions {
  readonly compare: CompareSettings;
  readonly withTimeout: WithTimeout;
  /** Keeps a comparison alive when the client of its request has left, because other requests may wait for it. */
  readonly keepAlive: Defer;
}

/**
 * Runs one comparison at a time, because a comparison computes for seconds. Requests with equal settings
 * share it, and the others wait until it has ended, or 30 s for each comparison before them.
 */
export function shareComparison(options: SharedComparisonOptions): CompareSettings {
  const { compare, withTimeout, keepAlive } = options;
  let running: { readonly id: string; readonly work: Promise<Comparison> } | undefined;

  function start(id: string, ...args: Parameters<CompareSettings>): Promise<Comparison> {
    const own = { id, work: compare(...args) };
    running = own;
    const end = (): void => {
      if (running === own) running = undefined;
    };
    keepAlive(own.work.then(end, end));
    return own.work;
  }

  return async (kind, candidates) => {
    const id = JSON.stringify([kind, candidates]);
    while (running !== undefined) {
      const other = running;
      try {
        const shared = await withTimeout(other.work, MAX_WAIT_MS);
        if (other.id === id) return shared;
      } catch (error) {
        // The platform may have ended the request of a comparison that takes so long.
        if (running === other) running = undefined;
        if (other.id === id && !isDeadlineExceeded(error)) throw error;
      }
    }
    return start(id, kind, candidates);
  };
}
