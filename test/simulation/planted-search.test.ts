/** Shows that a search of planted-search.ts finds a fault whether or not its recorded schedule still shows it. */
import fc from "fast-check";
import { afterEach, expect, it, vi } from "vitest";
import { findCounterExample } from "./planted-search.ts";

const schedules = fc.nat();
/** The schedules of the search, in order. */
const ORDER = fc.sample(schedules, { seed: 1, numRuns: 1_000 });

afterEach(() => vi.restoreAllMocks());

/** Searches for a fault that only one schedule shows. */
async function search(shows: number | undefined, shownBy: number) {
  let played = 0;
  const found = await findCounterExample(schedules, shownBy, (schedule) => {
    played++;
    return Promise.resolve(schedule !== ORDER[shows ?? -1]);
  });
  return { found, played };
}

it("a search for a planted fault plays one schedule if the recorded schedule shows the fault", async () => {
  expect(await search(500, 500)).toEqual({ found: 500, played: 1 });
});

it("a search for a planted fault that the recorded schedule does not show finds another of the 1,000 schedules, and prints its number", async () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  expect(await search(500, 3)).toEqual({ found: 500, played: 1 + 501 });
  expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("schedule 500 shows"));
});

it("a search for a planted fault that none of the 1,000 schedules shows finds nothing", async () => {
  expect(await search(undefined, 3)).toEqual({ found: undefined, played: 1 + 1_000 });
});
