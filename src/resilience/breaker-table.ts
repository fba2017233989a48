import type { Breaker, BreakerReport, BreakerState, BreakerStatus } from "../core/breaker.ts";
import type { Millis } from "../core/time.ts";

/** The breakers of several servers of one kind. */
export interface BreakerTable extends BreakerReport {
  /** Returns the breaker of a server. `callTimeoutMs`: the time limit of one call of the server. */
  of(server: string, callTimeoutMs: Millis): Breaker;
  /** Returns the status of the breaker that is worst off. */
  status(): BreakerStatus;
}

const BADNESS: Readonly<Record<BreakerState, number>> = { closed: 0, "half-open": 1, open: 2 };

/**
 * Creates a table. @param maxServers the number of breakers that it keeps; the breaker that was
 * created first makes room for the next one.
 */
export function createBreakerTable(
  createBreaker: (callTimeoutMs: Millis) => Breaker,
  maxServers: number,
): BreakerTable {
  const breakers = new Map<string, Breaker>();
  // It reports as long as the table is empty.
  const none = createBreaker(1);

  return {
    of(server, callTimeoutMs) {
      const known = breakers.get(server);
      if (known !== undefined) return known;
      const [oldest] = breakers.keys();
      if (breakers.size >= maxServers && oldest !== undefined) breakers.delete(oldest);
      const created = createBreaker(callTimeoutMs);
      breakers.set(server, created);
      return created;
    },

    status() {
      let worst = none.status();
      for (const breaker of breakers.values()) {
        const status = breaker.status();
        if (isWorse(status, worst)) worst = status;
      }
      return worst;
    },
  };
}

function isWorse(one: BreakerStatus, other: BreakerStatus): boolean {
  const more = BADNESS[one.state] - BADNESS[other.state];
  if (more !== 0) return more > 0;
  return one.calls > 0 && (other.calls === 0 || one.failureRate > other.failureRate);
}
