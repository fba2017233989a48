/**
 * `npm test`: runs the test projects in three lanes at the same time, each lane a process of vitest with
 * local services of its own.
 *
 * `npm test -- <arguments>` runs `vitest run <arguments>` instead, in one process.
 * `node tools/test/lanes.ts integration` runs the tests that depend on Redis or Postgres, and those that
 * need programs of the system (see vitest.system.config.ts). `apps` runs the tests of ordinary
 * applications, which test/apps/main.ts installs before, and `integration-and-apps` runs both.
 *
 * FOLLOWED_BY=integration tells `npm test` that the suite `integration` runs afterwards, so that the tests of the
 * running product which that suite repeats on a Postgres server run once, there.
 *
 * A test file that fails beside other lanes runs a second time, alone: on a busy machine a test can
 * fail because its process got no time. A fault in the code fails twice. The second runs are listed.
 *
 * TEST_REPORTS names a folder that gets a JSON report of each command, and the totals in totals.json. The
 * last line is "N passed, N failed"; the exit code is 1 if a test failed or a command ended with an error.
 */
import { spawn } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setPriority, tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { serverTests } from "./server-tests.ts";

/** One run of vitest. */
interface Command {
  readonly args: readonly string[];
  /** Default: all files of the projects. */
  readonly files?: readonly string[];
  /** Whether it gets only the processor time that the other lanes leave. Default false. */
  readonly lowPriority?: boolean;
}

/** Commands that run one after the other. */
type Lane = readonly Command[];

const projects = (...names: readonly string[]): Command => ({
  args: names.flatMap((name) => ["--project", name]),
});
const config = (path: string): Command => ({ args: ["--config", path] });

/** The tests of the running product whose outcome can depend on the engine of Redis or Postgres. */
const OF_THE_SERVERS = [
  "coherence",
  "crashes",
  "levels",
  "live-stock",
  "messages",
  "outages",
  "reads",
  "sessions",
  "shared-syncs",
].map((name) => `test/e2e/${name}.test.ts`);

const IN_WORKERD = { ...projects("workers", "alone", "isolated"), files: serverTests() };
const RUNNING_PRODUCT = { ...projects("e2e"), files: OF_THE_SERVERS };
/** Without the files that a later suite runs. */
const E2E =
  process.env["FOLLOWED_BY"] === "integration"
    ? {
        ...projects("e2e"),
        files: globSync("test/e2e/*.test.ts", { exclude: ["**/*.system.test.ts"] })
          .filter((path) => !OF_THE_SERVERS.includes(path))
          .toSorted(),
      }
    : projects("e2e");
const SYSTEM = config("vitest.system.config.ts");
const APPS = config("vitest.apps.config.ts");

/**
 * The tests in workerd and those of the running product wait half of their time, and some of them depend on time.
 * The simulation, the gates and the tests of the tools compute and depend on no time, so they get what the other
 * lanes leave. The other projects follow the shorter lanes, so that all lanes end at about the same time.
 */
const SUITES: Readonly<Record<string, readonly Lane[]>> = {
  all: [
    [projects("units", "workers", "alone", "isolated")],
    [E2E, projects("package"), projects("supervisor")],
    [{ ...projects("simulation", "gates", "node"), lowPriority: true }],
  ],
  integration: [[IN_WORKERD, SYSTEM], [RUNNING_PRODUCT]],
  apps: [[APPS]],
  "integration-and-apps": [
    [IN_WORKERD, SYSTEM],
    [RUNNING_PRODUCT, APPS],
  ],
};

/** The nice value of a command of low priority. */
const LOW_PRIORITY = 10;

/** The most failed files that run again. If more fail, load is not the reason. */
const MAX_FILES_AGAIN = 5;

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** The failed tests, as `file: title`. */
  readonly failures: readonly string[];
  readonly failedFiles: readonly string[];
}

interface Totals extends Pick<Outcome, "passed" | "failed" | "failures"> {
  /** The tests that failed beside other lanes, and passed in the second run. */
  readonly passedAlone: readonly string[];
}

const vitest = join(
  dirname(createRequire(import.meta.url).resolve("vitest/package.json")),
  "vitest.mjs",
);

/** Node keeps compiled modules here: tests start wrangler and the local services some thirty times. */
const COMPILE_CACHE = fileURLToPath(
  new URL("../../node_modules/.cache/node-compile", import.meta.url),
);

/** Runs one command, prints its lines as they come, and reads its report. */
async function run(command: Command, report: string): Promise<Outcome> {
  const { args, files = [], lowPriority = false } = command;
  const child = spawn(process.execPath, [vitest, "run", ...args, ...files], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      TEST_REPORT: report,
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? COMPILE_CACHE,
      ...(process.stdout.isTTY && { FORCE_COLOR: "1" }),
    },
  });
  if (lowPriority && child.pid !== undefined) setPriority(child.pid, LOW_PRIORITY);
  for (const [stream, out] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const)
    createInterface({ input: stream }).on("line", (line) => out.write(`${line}\n`));
  // Ctrl-C reaches the whole process group; a signal to this process alone does not.
  const terminate = (): void => void child.kill("SIGTERM");
  process.once("SIGTERM", terminate);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  process.off("SIGTERM", terminate);
  const outcome = outcomeOf(report);
  // A run that breaks off, or an error outside all tests, counts as one failed test.
  return code !== 0 && outcome.failed === 0
    ? { ...outcome, failed: 1, failures: [`vitest run ${args.join(" ")}: exit code ${code}`] }
    : outcome;
}

/** The parts of vitest's JSON report that are used here. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

function outcomeOf(report: string): Outcome {
  let text: string;
  try {
    text = readFileSync(report, "utf8");
  } catch (error) {
    console.error(`no report of the tests: ${(error as Error).message}`);
    return { passed: 0, failed: 0, failures: [], failedFiles: [] };
  }
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(text) as Report;
  const failed = testResults.filter(({ status }) => status === "failed");
  return {
    passed: numPassedTests,
    failed: numFailedTests,
    failures: failed.flatMap(({ name, assertionResults }) =>
      assertionResults
        .filter(({ status }) => status === "failed")
        .map(({ fullName }) => `${relative(process.cwd(), name)}: ${fullName}`),
    ),
    failedFiles: failed.map(({ name }) => relative(process.cwd(), name)),
  };
}

/** Runs the lanes, and then the files that failed once more, one command after the other. */
async function runSuite(lanes: readonly Lane[], reports: string): Promise<Totals> {
  const first = await runLanes(lanes, reports);
  const failedFiles = first.flatMap(({ outcome }) => outcome.failedFiles);
  const isWorthwhile = failedFiles.length > 0 && failedFiles.length <= MAX_FILES_AGAIN;
  const passedAlone: string[] = [];
  const last: Outcome[] = [];
  for (const [at, { command, outcome }] of first.entries()) {
    if (!isWorthwhile || outcome.failedFiles.length === 0) {
      last.push(outcome);
      continue;
    }
    console.log(`\nagain, alone: ${outcome.failedFiles.join(" ")}`);
    const report = join(reports, `again-${at + 1}.json`);
    const second = await run({ args: command.args, files: outcome.failedFiles }, report);
    passedAlone.push(...outcome.failures.filter((each) => !second.failures.includes(each)));
    const recovered = Math.max(0, outcome.failed - second.failed);
    last.push({ ...second, passed: outcome.passed + recovered });
  }
  const sum = (figure: "passed" | "failed"): number =>
    last.reduce((total, outcome) => total + outcome[figure], 0);
  const failures = last.flatMap((outcome) => outcome.failures);
  return { passed: sum("passed"), failed: sum("failed"), failures, passedAlone };
}

interface Finished {
  readonly command: Command;
  readonly outcome: Outcome;
}

async function runLanes(lanes: readonly Lane[], reports: string): Promise<readonly Finished[]> {
  const finished = await Promise.all(
    lanes.map(async (commands, lane) => {
      const done: Finished[] = [];
      for (const [index, command] of commands.entries()) {
        const report = join(reports, `lane-${lane + 1}-${index + 1}.json`);
        done.push({ command, outcome: await run(command, report) });
      }
      return done;
    }),
  );
  return finished.flat();
}

const [suite = "all", ...rest] = process.argv.slice(2);
const lanes = rest.length === 0 ? SUITES[suite] : undefined;
if (lanes === undefined) {
  const child = spawn(process.execPath, [vitest, "run", suite, ...rest], { stdio: "inherit" });
  child.once("close", (code) => (process.exitCode = code ?? 1));
} else {
  const folder = process.env["TEST_REPORTS"];
  const reports = folder ?? mkdtempSync(join(tmpdir(), "strata-tests-"));
  mkdirSync(reports, { recursive: true });
  const began = performance.now();
  const totals = await runSuite(lanes, reports);
  if (folder === undefined) rmSync(reports, { recursive: true });
  else writeFileSync(join(folder, "totals.json"), JSON.stringify(totals));
  console.log("");
  for (const each of totals.passedAlone) console.log(`passed only alone: ${each}`);
  for (const each of totals.failures) console.log(`failed: ${each}`);
  console.log(`${Math.round((performance.now() - began) / 1000)} s`);
  console.log(`${totals.passed} passed, ${totals.failed} failed`);
  process.exitCode = totals.failed === 0 ? 0 : 1;
}
