/**
 * Ten projects:
 *
 * - `units`: tests that run in workerd and need no bindings of the Worker, and so no local service.
 * - `workers`: tests that run in workerd beside the Worker, two files at a time. All files share one
 *   set of local services. A test therefore takes a namespace, key or row of its own, and neither
 *   injects faults, nor flushes Redis, nor reads the global counts.
 * - `alone`: `*.alone.test.ts` under the same folders, one file at a time after `workers`. These tests
 *   have the local services for themselves, and leave them without faults.
 * - `isolated`: tests whose requests end early. Each file has its own workerd, because such a request
 *   can end promises that another request waits for.
 * - `simulation`: the engine over modelled ports in virtual time, in Node.
 * - `gates`: tests of the gates and the tools, in Node.
 * - `node`: tests of the local services, of the data cache outside workerd, and comparisons with other
 *   caches, in Node.
 * - `supervisor`: tests that start and kill `npm run dev`, in Node.
 * - `package`: tests of the packed package, installed outside the repository, in Node.
 * - `e2e`: tests of the running product, one file at a time, in Node.
 *
 * `vitest run` runs the projects one after the other, except for `simulation`, `gates` and `node`, whose files
 * share two workers. `npm test` runs them in three lanes at a time: see tools/test/lanes.ts.
 *
 * The files of `units`, `workers` and `alone` share one workerd per worker (`isolate: false`), because a
 * start of workerd costs more than most files do: docs/decisions/0015-share-workerd-starts.md. Module
 * state, the Cache API and Durable Objects therefore outlive a file.
 *
 * LOCAL_REDIS and LOCAL_POSTGRES choose the engines behind the local services; by default the
 * embedded ones. `tools/test-services/setup.ts` starts the services, for `workers`, `alone` and
 * `isolated` only.
 */
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./tools/test/longest-first.ts";
import { unitTests } from "./tools/test/units.ts";

const ALONE = ["test/**/*.alone.test.ts"];
const ISOLATED = ["test/failures/disconnect.alone.test.ts"];
const SIMULATION = ["test/simulation/**/*.test.ts"];
const SUPERVISOR = ["test/dev/supervisor.test.ts"];
const GATES = ["test/check/**/*.test.ts"];
const NODE = ["test/dev/**/*.test.ts", "test/differential/**/*.test.ts", "test/node/**/*.test.ts"];
const PACKAGE = ["test/package/**/*.test.ts"];
const E2E = ["test/e2e/**/*.test.ts"];
/** They need more than npm: see vitest.system.config.ts. */
const SYSTEM = ["test/**/*.system.test.ts"];
/** A package of its own: see vitest.apps.config.ts. */
const APPS = ["test/apps/**"];
const UNITS = unitTests(
  ["test/**/*.test.ts"],
  [...ALONE, ...SIMULATION, ...GATES, ...NODE, ...PACKAGE, ...E2E, ...SYSTEM, ...APPS],
);

/**
 * Three projects compute more than they wait. Their files share two workers. They get little processor time while
 * other lanes run, so their time limits only end tests that hang.
 */
const COMPUTING = {
  maxWorkers: 2,
  sequence: { groupOrder: 4 },
  testTimeout: 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 20_000 } },
} as const;

/** `--sequence.shuffle.files` has a sequencer of its own, which one of the configuration would replace. */
const IS_SHUFFLED = process.argv.some((argument) => argument.startsWith("--sequence.shuffle"));

/** Ends after the products of `e2e`: Ctrl-C takes them a few seconds on a busy machine. */
const TEARDOWN_MS = 30_000;

/**
 * The Worker as wrangler.toml describes it, with the addresses of the local services, if any, as its
 * variables, and with the classes of the entry `strata/durable`, which this Worker does not use.
 */
const worker = () =>
  cloudflareTest(({ inject }) => ({
    main: "./test/support/worker.ts",
    wrangler: { configPath: "./wrangler.toml" },
    miniflare: {
      bindings: inject("workerBindings") ?? {},
      durableObjects: {
        STRATA: { className: "StrataStore", useSQLite: true },
        LEDGER: { className: "StrataLedger", useSQLite: true },
        SESSIONS: { className: "StrataSessions", useSQLite: true },
      },
    },
  }));

/** Where to write a report for a machine, beside the one for people. */
const REPORT = process.env["TEST_REPORT"];

export default defineConfig({
  test: {
    reporters: REPORT === undefined ? ["default"] : ["default", "json"],
    ...(REPORT === undefined ? {} : { outputFile: { json: REPORT } }),
    teardownTimeout: TEARDOWN_MS,
    sequence: IS_SHUFFLED ? {} : { sequencer: LongestFirst },
    // Group orders begin at 1: files of group 0 that cannot run in parallel are put after all groups.
    projects: [
      {
        plugins: [worker()],
        test: {
          name: "units",
          include: UNITS,
          isolate: false,
          maxWorkers: 2,
          testTimeout: 20_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        plugins: [worker()],
        test: {
          name: "workers",
          include: ["test/**/*.test.ts"],
          exclude: [
            ...UNITS,
            ...ALONE,
            ...SIMULATION,
            ...GATES,
            ...NODE,
            ...PACKAGE,
            ...E2E,
            ...SYSTEM,
            ...APPS,
          ],
          globalSetup: "./tools/test-services/setup.ts",
          provide: { realRedis: process.env["LOCAL_REDIS"] === "server" },
          isolate: false,
          // Tests wait more than they compute, so two at a time even on a small machine.
          maxWorkers: 2,
          testTimeout: 20_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        plugins: [worker()],
        test: {
          name: "alone",
          include: ALONE,
          exclude: [...ISOLATED, ...GATES, ...NODE, ...E2E],
          globalSetup: "./tools/test-services/setup.ts",
          isolate: false,
          fileParallelism: false,
          testTimeout: 30_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        plugins: [worker()],
        test: {
          name: "isolated",
          include: ISOLATED,
          globalSetup: "./tools/test-services/setup.ts",
          fileParallelism: false,
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 9 },
        },
      },
      {
        test: { name: "simulation", include: SIMULATION, ...COMPUTING },
      },
      {
        test: {
          name: "gates",
          include: GATES,
          exclude: SYSTEM,
          ...COMPUTING,
        },
      },
      {
        test: {
          name: "node",
          include: NODE,
          exclude: [...SUPERVISOR, ...SYSTEM],
          ...COMPUTING,
        },
      },
      {
        test: {
          name: "supervisor",
          include: SUPERVISOR,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 7 },
        },
      },
      {
        test: {
          name: "package",
          include: PACKAGE,
          globalSetup: "./test/package/support/setup.ts",
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 10 },
        },
      },
      {
        test: {
          name: "e2e",
          include: E2E,
          exclude: SYSTEM,
          // One worker, so that its files share products: test/e2e/support/shared-products.ts.
          isolate: false,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 8 },
        },
      },
    ],
  },
});
