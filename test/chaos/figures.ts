import type { Visit } from "./visit.ts";

/** Returns the value below which the share `at` of the values lies; NaN without values. */
export function percentile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}

/** Returns the share of the visits that satisfy a test, in percent; NaN without visits. */
export function share(visits: readonly Visit[], test: (visit: Visit) => boolean): number {
  return (visits.filter(test).length / visits.length) * 100;
}

/** An answer with a right value: fresh, stale as the policy allows, or marked. */
export function isGood({ outcome }: Visit): boolean {
  return outcome === "fresh" || outcome === "stale" || outcome === "marked";
}

export function isMarked({ outcome }: Visit): boolean {
  return outcome === "marked";
}

export function isShed({ outcome }: Visit): boolean {
  return outcome === "shed";
}

/** The visits of a stream whose client should have begun in a part of the drive, in milliseconds. */
export function between(
  visits: readonly Visit[],
  fromMs: number,
  toMs = Infinity,
  streams?: readonly string[],
): readonly Visit[] {
  return visits.filter(
    ({ dueMs, stream }) =>
      dueMs >= fromMs && dueMs < toMs && (streams === undefined || streams.includes(stream)),
  );
}

export function times(visits: readonly Visit[]): readonly number[] {
  return visits.map(({ ms }) => ms);
}

/** Whole seconds of good answers in a row, after which the visits have recovered. */
const STEADY_SECONDS = 3;

/**
 * Returns the seconds from `healedMs` until the first second from which on, for three seconds, at least
 * 95 % of the visits are good; Infinity if that never comes.
 */
export function secondsUntilGood(visits: readonly Visit[], healedMs: number): number {
  const last = Math.max(...visits.map(({ dueMs }) => dueMs));
  let steady = 0;
  for (let second = 0; healedMs + (second + 1) * 1_000 <= last; second += 1) {
    const from = healedMs + second * 1_000;
    steady = share(between(visits, from, from + 1_000), isGood) >= 95 ? steady + 1 : 0;
    if (steady === STEADY_SECONDS) return second + 1 - STEADY_SECONDS;
  }
  return Infinity;
}

/** Reads the durations of a Server-Timing field, in milliseconds. */
export function serverTiming(field: string | undefined): ReadonlyMap<string, number> {
  const found = (field ?? "").matchAll(/([\w-]+);dur=([\d.]+)/g);
  return new Map([...found].map(([, name, ms]) => [name ?? "", Number(ms)]));
}

/** Returns the times that the Worker counted itself, without the way from and to the client. */
export function ownTimes(visits: readonly Visit[]): readonly number[] {
  return visits.flatMap(({ headers }) => serverTiming(headers["server-timing"]).get("total") ?? []);
}
