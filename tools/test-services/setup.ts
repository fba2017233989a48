import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** The variables of the Worker under test. */
    workerBindings: Record<string, string>;
  }
}

interface Running {
  readonly child: ChildProcess;
  readonly addresses: Record<string, string>;
}

/** Each project evaluates this module anew, but they share one process and its local services. */
const SHARED = Symbol.for("strata.test-services");
const home = globalThis as { [SHARED]?: { running: Promise<Running>; users: number } };

async function start(): Promise<Running> {
  // Not in this process: vitest resolves modules for workerd here, and the services are of Node.
  const child = fork(fileURLToPath(new URL("./process.ts", import.meta.url)), { execArgv: [] });
  const addresses = await Promise.race([
    once(child, "message").then(([message]) => message as Record<string, string>),
    once(child, "exit").then(([code]) => {
      throw new Error(`the local services did not start (exit code ${code}); see above`);
    }),
  ]);
  return { child, addresses };
}

/**
 * The global setup of the projects whose tests run in workerd: starts the local services for the
 * first of them, hands their addresses to the Worker, and ends them after the last.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const shared = (home[SHARED] ??= { users: 0, running: start() });
  shared.users += 1;
  const { child, addresses } = await shared.running;
  project.provide("workerBindings", {
    ...addresses,
    ADMIN_TOKEN: "test-admin-token-0123456789",
    STRATA_DEV: "1",
    // A test that is about telemetry turns it on: every other one would wait for its exports.
    OTEL_SDK_DISABLED: "true",
  });
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    delete home[SHARED];
    if (child.exitCode !== null) return;
    const exited = once(child, "exit");
    child.disconnect();
    await exited;
  };
}
