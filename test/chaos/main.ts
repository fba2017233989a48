/**
 * `npm run chaos [-- trial…]`: runs two instances of the Worker, breaks what they depend on while
 * clients come, and compares what the clients saw with goals. Each trial is a file in trials/.
 *
 * Options: `--measure` reports the figures without judging them; `--short` runs some trials with
 * short durations; `--factor 0.5` scales the durations and `--rate 0.5` the rates; `--json <file>` writes the figures;
 * `--slowest 10` prints the 10 slowest visits of each outcome, with their steps. ROOT names
 * the folder of another checkout whose Worker is measured. The exit code is 0 if every figure reaches its
 * goal. A trial is void
 * if its driver was late or the machine too busy: it runs once more, and then fails. With `--short` it is
 * shown as void and does not fail: a busy machine says nothing of a change.
 */
import { execFileSync } from "node:child_process";
import { globSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { basename, join } from "node:path";
import { readOptions, type ChaosOptions } from "./options.ts";
import { HEADER, hasPassed, headroomOf, isOutcomeVoid, rowsOf, type Outcome } from "./report.ts";
import { startStage, type Stage } from "./stage.ts";
import type { Trial } from "./trial.ts";

const TRIALS = join(import.meta.dirname, "trials");

const options = readOptions(process.argv.slice(2), process.env);
const known = globSync("*.ts", { cwd: TRIALS })
  .map((file) => basename(file, ".ts"))
  .toSorted();
const unknown = options.names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no trial ${unknown.join(", ")}. There are: ${known.join(", ")}.`);
  process.exit(2);
}
const wanted = options.names.length > 0 ? options.names : known;

const starting = startStage({
  root: options.root,
  factor: options.factor,
  rate: options.rate,
  slowest: options.slowest,
});
// The instances and the services have process groups of their own: a Ctrl-C reaches this program alone, which stops them.
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    void starting.then(({ stop }) => stop()).finally(() => process.exit(130));
  });

const outcomes: Outcome[] = [];
const stage = await starting;
try {
  for (const name of wanted) outcomes.push(await runJudged(name, stage, options));
} finally {
  await stage.stop();
}

console.log(["", ...HEADER, ...outcomes.flatMap(rowsOf), ""].join("\n"));
if (options.json !== undefined) writeFileSync(options.json, reportOf(outcomes, options));
const isShort = process.argv.includes("--short");
const isForgiven = (outcome: Outcome): boolean =>
  isShort && outcome.error === undefined && isOutcomeVoid(outcome);
const failed = outcomes
  .filter((outcome) => !hasPassed(outcome) && !isForgiven(outcome))
  .map(({ trial }) => trial);
console.log(
  failed.length === 0
    ? `${outcomes.length} trials, every goal reached`
    : `${outcomes.length} trials; goals not reached, or void: ${failed.join(", ")}`,
);
process.exit(failed.length === 0 || options.measure ? 0 : 1);

/** Runs a trial, and a second time if the first run is void. */
async function runJudged(name: string, stage: Stage, { measure }: ChaosOptions): Promise<Outcome> {
  const first = await runOnce(name, stage);
  return isOutcomeVoid(first) && !measure ? runOnce(name, stage) : first;
}

async function runOnce(name: string, stage: Stage): Promise<Outcome> {
  const { trial } = (await import(join(TRIALS, `${name}.ts`))) as { readonly trial: Trial };
  console.log(`\n${name}: ${trial.about}`);
  const startedAt = performance.now();
  let outcome: Outcome;
  try {
    const figures = await trial.run(stage);
    outcome = { trial: name, figures, headroom: stage.takeHeadroom() };
  } catch (error) {
    outcome = { trial: name, figures: [], headroom: stage.takeHeadroom(), error: String(error) };
  }
  await stage.settle();
  for (const row of rowsOf(outcome)) console.log(row);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  console.log(`${seconds} s; ${headroomOf(outcome)}`);
  return outcome;
}

function reportOf(outcomes: readonly Outcome[], { root, factor, rate }: ChaosOptions): string {
  const cwd = root ?? import.meta.dirname;
  const commit = execFileSync("git", ["rev-parse", "HEAD"], { cwd, encoding: "utf8" }).trim();
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`;
  const at = new Date().toISOString();
  return `${JSON.stringify({ commit, at, machine, factor, rate, outcomes }, null, 2)}\n`;
}
