/**
 * `npm test`: runs the test projects in three lanes at the same time, each lane a process of vitest with
 * local services of its own.
 *
 * `npm test -- <arguments>` runs `vitest run <arguments>` instead, in one process.
 * `node tools/test/lanes.ts integration` runs the tests that talk to Redis or Postgres, and those that
 * need programs of the system (see vitest.system.config.ts). `apps` runs the tests of ordinary
 * applications, which test/apps/main.ts installs before.
 *
 * TEST_REPORTS names a folder that gets a JSON report of each command, and the sums in totals.json. The
 * last line is "N passed, N failed"; the exit code is 1 if a test failed or a command ended with an error.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setPriority, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The arguments of `vitest run`. */
type Command = readonly string[];

interface Lane {
  /** They run one after the other. */
  readonly commands: readonly Command[];
  /** Whether the lane gets only the processor time that the other lanes leave. Default false. */
  readonly lowPriority?: boolean;
}

const projects = (...names: readonly string[]): Command =>
  names.flatMap((name) => ["--project", name]);

/**
 * The tests in workerd and those of the running product wait half of their time, and some of them
 * depend on time. The simulation, the gates and the tests of the tools compute and depend on no time,
 * so they get what the other lanes leave.
 */
const SUITES: Readonly<Record<string, readonly Lane[]>> = {
  all: [
    { commands: [projects("units", "workers", "alone", "isolated")] },
    { commands: [projects("supervisor", "e2e")] },
    { commands: [projects("simulation", "gates", "node")], lowPriority: true },
  ],
  integration: [
    {
      commands: [projects("workers", "alone", "isolated"), ["--config", "vitest.system.config.ts"]],
    },
    { commands: [projects("e2e")] },
  ],
  apps: [{ commands: [["--config", "vitest.apps.config.ts"]] }],
};

/** The nice value of a lane of low priority. */
const LOW_PRIORITY = 10;

interface Outcome {
  readonly passed: number;
  readonly failed: number;
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
async function run(command: Command, report: string, lowPriority: boolean): Promise<Outcome> {
  const child = spawn(process.execPath, [vitest, "run", ...command], {
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
  const { passed, failed } = outcomeOf(report);
  // A run that breaks off, or an error outside all tests, counts as one failed test.
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed };
}

function outcomeOf(report: string): Outcome {
  let text: string;
  try {
    text = readFileSync(report, "utf8");
  } catch (error) {
    console.error(`no report of the tests: ${(error as Error).message}`);
    return { passed: 0, failed: 0 };
  }
  const { numPassedTests, numFailedTests } = JSON.parse(text) as {
    numPassedTests: number;
    numFailedTests: number;
  };
  return { passed: numPassedTests, failed: numFailedTests };
}

async function runLanes(lanes: readonly Lane[], reports: string): Promise<readonly Outcome[]> {
  const outcomes = await Promise.all(
    lanes.map(async ({ commands, lowPriority = false }, lane) => {
      const done: Outcome[] = [];
      for (const [index, command] of commands.entries()) {
        const report = join(reports, `lane-${lane + 1}-${index + 1}.json`);
        done.push(await run(command, report, lowPriority));
      }
      return done;
    }),
  );
  return outcomes.flat();
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
  const outcomes = await runLanes(lanes, reports);
  const sum = (figure: keyof Outcome): number =>
    outcomes.reduce((total, outcome) => total + outcome[figure], 0);
  const totals: Outcome = { passed: sum("passed"), failed: sum("failed") };
  if (folder === undefined) rmSync(reports, { recursive: true });
  else writeFileSync(join(folder, "totals.json"), JSON.stringify(totals));
  console.log(`\n${Math.round((performance.now() - began) / 1000)} s`);
  console.log(`${totals.passed} passed, ${totals.failed} failed`);
  process.exitCode = totals.failed === 0 ? 0 : 1;
}
