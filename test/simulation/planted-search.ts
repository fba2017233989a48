/** Searches random schedules for one that shows a planted fault. */
import fc from "fast-check";

/** A search plays at most so many schedules. */
const WITHIN = 1_000;
/** The schedules of every search are those of this seed, in the same order. */
const SEED = 1;

/**
 * Returns the number of a schedule, among the first 1,000, that does not hold; undefined if there is none.
 *
 * `shownBy` is the number of a schedule that showed the fault in an earlier search. It is played first, so
 * that a run of the tests does not repeat the search. If it holds, because the schedules or the cluster
 * have changed, all schedules are played in turn, and the number of the first that shows the fault is printed.
 */
export async function findCounterExample<Schedule>(
  schedules: fc.Arbitrary<Schedule>,
  shownBy: number,
  holds: (schedule: Schedule) => Promise<boolean>,
): Promise<number | undefined> {
  const property = fc.asyncProperty(schedules, holds);
  const options = { seed: SEED, endOnFailure: true } as const;
  const known = { ...options, path: String(shownBy), numRuns: 1 };
  if (shownBy < WITHIN && (await fc.check(property, known)).failed) return shownBy;
  const { failed, counterexamplePath } = await fc.check(property, { ...options, numRuns: WITHIN });
  if (!failed) return undefined;
  console.warn(
    `schedule ${counterexamplePath} shows the fault, schedule ${shownBy} no longer does`,
  );
  return Number(counterexamplePath);
}
