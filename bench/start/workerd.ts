/** Starts a bundled Worker in a workerd of its own, without wrangler and miniflare around it. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../support/processes.ts";

const { default: WORKERD } = createRequire(import.meta.url)("workerd") as {
  readonly default: string;
};
const START_DEADLINE_MS = 30_000;

export interface StartedWorker {
  readonly script: string;
  /** Text bindings. */
  readonly bindings: Readonly<Record<string, string>>;
  /** Classes of Durable Objects, by the names of their bindings. */
  readonly objects: Readonly<Record<string, string>>;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
}

/** The first answer of a Worker, and what it cost. */
export interface FirstAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The processor time of workerd from its start to its answer, in milliseconds. */
  readonly cpuMs: number;
}

const text = (value: string): string => JSON.stringify(value);

function configOf(worker: StartedWorker, port: number): string {
  const classes = Object.entries(worker.objects);
  const bindings = [
    ...Object.entries(worker.bindings).map(
      ([name, value]) => `(name = ${text(name)}, text = ${text(value)})`,
    ),
    ...classes.map(
      ([name, className]) => `(name = ${text(name)}, durableObjectNamespace = ${text(className)})`,
    ),
  ];
  const namespaces = classes.map(
    ([name, className]) =>
      `(className = ${text(className)}, uniqueKey = ${text(name)}, enableSql = true)`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = ${text(worker.compatibilityDate)},
  compatibilityFlags = [${worker.compatibilityFlags.map(text).join(", ")}],
  durableObjectNamespaces = [${namespaces.join(", ")}],
  durableObjectStorage = (inMemory = void),
  bindings = [${bindings.join(", ")}],
);
`;
}

/** Starts the Worker, sends it one request, and stops it. */
export async function firstAnswer(worker: StartedWorker, path: string): Promise<FirstAnswer> {
  const folder = mkdtempSync(join(tmpdir(), "strata-start-"));
  const port = await freePort();
  writeFileSync(join(folder, "worker.js"), worker.script);
  writeFileSync(join(folder, "config.capnp"), configOf(worker, port));
  const child = spawn(WORKERD, ["serve", join(folder, "config.capnp")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  try {
    const until = Date.now() + START_DEADLINE_MS;
    for (;;) {
      const response = await ask(`http://127.0.0.1:${port}${path}`);
      if (response !== undefined) {
        return {
          status: response.status,
          headers: response.headers,
          cpuMs: processorTimeOf(child.pid ?? 0),
        };
      }
      if (child.exitCode !== null || Date.now() > until)
        throw new Error(`workerd did not answer: ${errors}`);
      await sleep(5);
    }
  } finally {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns undefined until workerd listens. */
async function ask(url: string): Promise<Response | undefined> {
  try {
    const response = await fetch(url, { headers: { "CF-Connecting-IP": "192.0.2.7" } });
    await response.arrayBuffer();
    return response;
  } catch {
    return undefined;
  }
}

/** Adds up the threads of a process: Linux counts their time in nanoseconds, and that of the process in 10 ms. */
function processorTimeOf(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  const nanoseconds = readdirSync(tasks).map((id) =>
    Number(readFileSync(join(tasks, id, "schedstat"), "utf8").split(" ")[0]),
  );
  return nanoseconds.reduce((sum, part) => sum + part, 0) / 1e6;
}
