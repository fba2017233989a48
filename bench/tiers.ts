/**
 * Measures the product page under a Zipf load with Strata, with a plain cache-aside and without a
 * cache, with 50 ms to the database and 1 ms to Redis, served by workerd. There are two data
 * centres with two isolates each. The shares of the tiers are counted from Cache-Status, and the SQL
 * queries at the gateway. RUNS sets the number of runs. REQUESTS sets the requests of a phase of Strata, of
 * which cache-aside gets a tenth; the goals are for 20,000.
 */
import { bundle } from "../dev/bundle.ts";
import { save, show } from "./support/report.ts";
import { mediansOf, rowsOf } from "./tiers/figures.ts";
import { EXPONENT, PRODUCTS, WIDTH } from "./tiers/reads.ts";
import { REDIS_MS, runOnce, SQL_MS, STEADY, type Run } from "./tiers/run.ts";

const RUNS = Number(process.env["RUNS"] ?? 5);
/** The seed of the first run. Each run draws other products. */
const SEED = 42;
if (!(RUNS >= 1)) throw new Error("RUNS must be 1 or more");

const scripts = {
  strata: bundle("wrangler.toml"),
  baseline: bundle("bench/tiers/baseline/wrangler.toml"),
};
const runs: Run[] = [];
for (let at = 0; at < RUNS; at++) {
  const run = await runOnce(scripts, SEED + at);
  runs.push(run);
  save("tiers", { runs });
  console.log(`run ${at + 1} of ${RUNS}: warmed: ${run.warmed}`);
}

const setups = runs.map((run) => run.setups);
show(
  `Reads of ${PRODUCTS} products, Zipf ${EXPONENT}, SQL ${SQL_MS} ms, Redis ${REDIS_MS} ms, ${WIDTH} at a time: median and range of ${RUNS} runs`,
  rowsOf(setups),
);
const medians = mediansOf(setups);
const { meanOverNone, p95OverNone, sqlOfReads } = medians[STEADY]!;
const goals = {
  "mean at least 40 times better than no cache": meanOverNone >= 40,
  "p95 at least 10 times better than no cache": p95OverNone >= 10,
  "SQL queries of the reads under 1 per 100 reads": sqlOfReads < 1,
};
console.log();
for (const [goal, isMet] of Object.entries(goals))
  console.log(`${isMet ? "met" : "NOT met"}: ${goal}`);
save("tiers", { runs, medians, goals });
