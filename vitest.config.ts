/**
 * Five projects, run one after the other:
 *
 * - `workers`: everything that runs in workerd beside the Worker, file by file in parallel. All files
 *   share one set of local services, so a test isolates itself by a namespace, key or row of its own,
 *   and neither injects faults, nor flushes, nor reads the global counts.
 * - `alone`: `*.alone.test.ts` under the same folders. One file at a time, after `workers`: here a test
 *   has the local services for itself, and leaves them without faults.
 * - `simulation`: the engine over modelled ports in virtual time, in plain Node; no services.
 * - `node`: tests of the local services and of the tools, and comparisons with caches for Node, in plain Node.
 * - `e2e`: tests that start the whole product as a newcomer does, one file at a time.
 *
 * LOCAL_REDIS and LOCAL_POSTGRES choose the engines behind the local services; by default the
 * embedded ones. The services are started by `tools/test-services/setup.ts` and only for the first
 * two projects: `vitest run --project node` starts none.
 */
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const NODE = ["test/check/**/*.test.ts", "test/dev/**/*.test.ts", "test/differential/**/*.test.ts"];
const E2E = ["test/e2e/**/*.test.ts"];
const SIMULATION = ["test/simulation/**/*.test.ts"];
const ALONE = ["test/**/*.alone.test.ts"];
/** They need more than npm: see vitest.system.config.ts. */
const SYSTEM = ["test/**/*.system.test.ts"];

/** The Worker as wrangler.toml describes it, with the addresses of the local services as its variables. */
const worker = () =>
  cloudflareTest(({ inject }) => ({
    wrangler: { configPath: "./wrangler.toml" },
    miniflare: { bindings: inject("workerBindings") },
  }));

/** Where to write a report for a machine, beside the one for people. */
const REPORT = process.env["TEST_REPORT"];

export default defineConfig({
  test: {
    reporters: REPORT === undefined ? ["default"] : ["default", "json"],
    ...(REPORT === undefined ? {} : { outputFile: { json: REPORT } }),
    // Group orders begin at 1: files of group 0 that cannot run in parallel are put after all groups.
    projects: [
      {
        plugins: [worker()],
        test: {
          name: "workers",
          include: ["test/**/*.test.ts"],
          exclude: [...NODE, ...E2E, ...ALONE, ...SIMULATION, ...SYSTEM],
          globalSetup: "./tools/test-services/setup.ts",
          // Tests wait more than they compute, so two at a time even on a small machine.
          maxWorkers: 2,
          testTimeout: 20_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        plugins: [worker()],
        test: {
          name: "alone",
          include: ALONE,
          exclude: [...NODE, ...E2E],
          globalSetup: "./tools/test-services/setup.ts",
          fileParallelism: false,
          testTimeout: 30_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: { name: "simulation", include: SIMULATION, sequence: { groupOrder: 3 } },
      },
      {
        test: {
          name: "node",
          include: NODE,
          exclude: SYSTEM,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 4 },
        },
      },
      {
        test: {
          name: "e2e",
          include: E2E,
          exclude: SYSTEM,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 5 },
        },
      },
    ],
  },
});
