/** The breaker of one HTTP origin, which one client alone cannot open. */
import type { AdmittedCall, Breaker } from "../../core/breaker.ts";
import { createBoundedMap } from "../../core/bounded-map.ts";
import type { Result } from "../../core/result.ts";
import type { Clock, EpochMs, Millis } from "../../core/time.ts";

export interface OriginBreaker {
  /** Lets a request of a client through, or returns the fault `origin.open`. */
  begin(client: string | undefined): Result<AdmittedCall>;
}

const MAX_CLIENTS = 1_000;

/**
 * Counts at most one failure of each client in `windowMs`. A client can provoke failures of its own
 * requests, and would otherwise stop the requests of all others. Each request without an address
 * counts.
 */
export function createOriginBreaker(breaker: Breaker, now: Clock, windowMs: Millis): OriginBreaker {
  const failedAt = createBoundedMap<string, EpochMs>(MAX_CLIENTS);

  function isFirstFailure(client: string): boolean {
    const at = now();
    const last = failedAt.get(client);
    if (last !== undefined && at >= last && at - last < windowMs) return false;
    failedAt.set(client, at);
    return true;
  }

  return {
    begin(client) {
      const admitted = breaker.begin();
      if (!admitted.ok || client === undefined) return admitted;
      const end: AdmittedCall["end"] = (outcome) => {
        const counts = outcome !== "failed" || isFirstFailure(client);
        admitted.value.end(counts ? outcome : "ignored");
      };
      return { ok: true, value: { end } };
    },
  };
}
