/** Measures the processor time that workerd takes to start a Worker, until the Worker has answered once. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

const WORKERD = createRequire(createRequire(import.meta.url).resolve("miniflare"))("workerd") as {
  readonly default: string;
};
const NS_PER_MS = 1e6;

/** An empty Worker. The processor time of an entry is that of a Worker with it, less that of this one. */
export const EMPTY_WORKER = `export default { fetch: () => new Response("ok") };`;

/** A Worker that imports the module `entry.js` and uses nothing of it. */
export const workerOf = (bundle: string): Readonly<Record<string, string>> => ({
  "worker.js": `import * as entry from "entry.js";
export default { fetch: () => new Response(String(Object.keys(entry).length)) };`,
  "entry.js": bundle,
});

function configOf(names: readonly string[]): string {
  const modules = names.map((name) => `(name = "${name}", esModule = embed "${name}")`).join(", ");
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [${modules}],
    compatibilityDate = "2026-11-02",
    compatibilityFlags = ["nodejs_als"],
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;
}

/** Sums the nanoseconds that the threads of a process have run. /proc counts them, and not in ticks of 10 ms. */
function processorNs(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks)
    .map((task) => Number(readFileSync(join(tasks, task, "schedstat"), "utf8").split(" ")[0]))
    .reduce((sum, ns) => sum + ns, 0);
}

/** Returns the port that workerd reports. */
async function portOf(control: Readable): Promise<number> {
  for await (const chunk of control) {
    const port = /"port":(\d+)/u.exec(String(chunk))?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error("workerd did not start");
}

/** Starts a Worker of these modules, asks it once, and returns the milliseconds of processor time. */
export async function startInWorkerd(modules: Readonly<Record<string, string>>): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "strata-start-"));
  try {
    for (const [name, text] of Object.entries(modules)) writeFileSync(join(folder, name), text);
    const config = join(folder, "config.capnp");
    writeFileSync(config, configOf(Object.keys(modules)));
    const workerd = spawn(WORKERD.default, ["serve", config, "--control-fd=3"], {
      stdio: ["ignore", "ignore", "inherit", "pipe"],
    });
    const ended = new Promise((resolve) => workerd.once("exit", resolve));
    try {
      const port = await portOf(workerd.stdio[3] as Readable);
      const answer = await fetch(`http://127.0.0.1:${port}`);
      if (!answer.ok) throw new Error(`the Worker answered ${answer.status}`);
      await answer.text();
      return processorNs(workerd.pid ?? 0) / NS_PER_MS;
    } finally {
      workerd.kill("SIGKILL");
      await ended;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
