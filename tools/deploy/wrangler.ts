/** The calls of the program `wrangler`. */
import { spawnSync } from "node:child_process";
import type { QueueState } from "./preflight.ts";

function wrangler(args: readonly string[]): { readonly succeeded: boolean; readonly text: string } {
  const run = spawnSync("wrangler", args, { encoding: "utf8" });
  if (run.error !== undefined) throw run.error;
  return {
    succeeded: run.status === 0,
    text: run.status === 0 ? run.stdout : run.stdout + run.stderr,
  };
}

/**
 * Returns the names of the deployed Worker's secrets. Before the first deployment there are none.
 */
export function listSecrets(environment: readonly string[]): ReadonlySet<string> {
  const { succeeded, text } = wrangler(["secret", "list", "--format", "json", ...environment]);
  if (succeeded) {
    const list = JSON.parse(text) as readonly { readonly name: string }[];
    return new Set(list.map(({ name }) => name));
  }
  if (/Worker ".*" .*not found/u.test(text)) return new Set();
  console.error(text);
  throw new Error("the Worker's secrets cannot be listed");
}

/** Returns whether the account has a queue of this name. */
export function stateOfQueue(name: string, environment: readonly string[]): QueueState["state"] {
  const { succeeded, text } = wrangler(["queues", "info", name, ...environment]);
  if (succeeded) return "exists";
  return text.includes(`Queue "${name}" does not exist`) ? "missing" : "unknown";
}

/** Runs `wrangler deploy` on this terminal, and returns its exit code. */
export function deployWorker(args: readonly string[]): number {
  return spawnSync("wrangler", ["deploy", ...args], { stdio: "inherit" }).status ?? 1;
}
