import type { EpochMs, Millis } from "./time.ts";

/**
 * The rule by which a fresh value is refreshed in the background, so that no caller waits for the
 * load. The refresh begins at a share of the fresh lifetime, or with a probability that rises
 * towards its end.
 */
export type RefreshAhead = { readonly share: number } | { readonly beta: number };

interface Timing {
  readonly storedAt: EpochMs;
  readonly freshUntil: EpochMs;
  readonly loadCost: Millis;
}

/**
 * Whether a fresh entry is due for a refresh. `random` is in [0, 1).
 *
 * With `beta` the condition is `-loadCost * beta * ln(1 - random) >= time left`. An entry whose
 * load takes long is refreshed earlier. A higher `beta` makes refreshes earlier. The value 1 is
 * optimal for exponential arrivals.
 *
 * @see Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede
 *   Prevention", VLDB 2015.
 */
export function isDue(
  entry: Timing,
  ahead: RefreshAhead | undefined,
  now: EpochMs,
  random: number,
): boolean {
  if (ahead === undefined) return false;
  if ("share" in ahead)
    return now >= entry.storedAt + ahead.share * (entry.freshUntil - entry.storedAt);
  return -entry.loadCost * ahead.beta * Math.log(1 - random) >= entry.freshUntil - now;
}
