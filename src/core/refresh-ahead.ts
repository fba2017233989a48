import type { EpochMs, Millis } from "./time.ts";

/**
 * When a value is loaded again before its time, so that no reader waits for it:
 * at a share of its fresh lifetime, or ever more probably as the end comes nearer.
 */
export type RefreshAhead = { readonly share: number } | { readonly beta: number };

interface Living {
  readonly storedAt: EpochMs;
  readonly freshUntil: EpochMs;
  readonly loadCost: Millis;
}

/**
 * Whether a fresh entry is due for a refresh. `random` in [0, 1).
 *
 * With `beta`: `-cost * beta * ln(random) >= time left`. Loads that take long are
 * refreshed earlier; 1 is optimal for exponential arrivals, more is more eager.
 *
 * @see Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede
 *   Prevention", VLDB 2015.
 */
export function isDue(
  entry: Living,
  ahead: RefreshAhead | undefined,
  now: EpochMs,
  random: number,
): boolean {
  if (ahead === undefined) return false;
  if ("share" in ahead)
    return now >= entry.storedAt + ahead.share * (entry.freshUntil - entry.storedAt);
  return -entry.loadCost * ahead.beta * Math.log(1 - random) >= entry.freshUntil - now;
}
