/** Two `wrangler dev` processes of the Worker in test/stores/durable-only. They share the objects of the first. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { ProcessGroup } from "../../../dev/supervisor/process-group.ts";
import { startWorkerInstance, untilHealthy } from "../../../dev/supervisor/worker-instance.ts";
import { writeWranglerConfig } from "../../../dev/supervisor/wrangler-config.ts";

const START_DEADLINE_MS = 60_000;
const FIRST = "durable-only";
const CLASSES = {
  STRATA: "StrataStore",
  FLIGHTS: "FlightShard",
  LEDGER: "StrataLedger",
  SESSIONS: "StrataSessions",
};

export interface Instance {
  get<T>(path: string): Promise<T>;
  /** Returns the status. */
  post(path: string): Promise<number>;
  /** Returns the status of a GET. */
  statusOf(path: string): Promise<number>;
  /** Sends a request with the cookie. */
  send(method: string, path: string, cookie?: string): Promise<Response>;
  /** Kills the processes of the instance (SIGKILL), and starts them again on the same disk. */
  killAndRestart(): Promise<void>;
}

export interface DurableOnly {
  /** The instance whose process has the objects, and the other one. */
  readonly instances: readonly [Instance, Instance];
  stop(): Promise<void>;
}

export async function startDurableOnly(): Promise<DurableOnly> {
  const folder = mkdtempSync(join(tmpdir(), "strata-durable-only-"));
  const variables = join(folder, "variables");
  writeFileSync(variables, "");
  const first = await startInstance(folder, variables, FIRST);
  const second = await startInstance(folder, variables, `${FIRST}-2`);
  return {
    instances: [first.instance, second.instance],
    async stop() {
      await Promise.all([first.stop(), second.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startInstance(folder: string, variables: string, name: string) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const own = join(folder, name);
  const config = writeWranglerConfig(own, configOf(name));
  let running: ProcessGroup;

  async function start(): Promise<void> {
    const lines: string[] = [];
    running = startWorkerInstance({
      config,
      port,
      variables,
      persistTo: join(own, "state"),
      worker: name,
      registry: join(folder, "registry"),
      cwd: own,
      onLine: (line) => void lines.push(line),
    });
    try {
      await untilHealthy(url, START_DEADLINE_MS, AbortSignal.timeout(START_DEADLINE_MS));
    } catch (error) {
      await running.stop();
      throw new Error(`${(error as Error).message}\n${lines.join("\n")}`, { cause: error });
    }
  }

  await start();
  const instance: Instance = {
    async get<T>(path: string) {
      const response = await fetch(url + path);
      if (response.status !== 200) throw new Error(`${path}: ${await response.text()}`);
      return (await response.json()) as T;
    },
    async statusOf(path) {
      const response = await fetch(url + path);
      await response.arrayBuffer();
      return response.status;
    },
    send: (method, path, cookie = "") => fetch(url + path, { method, headers: { Cookie: cookie } }),
    post: async (path) => (await fetch(url + path, { method: "POST" })).status,
    async killAndRestart() {
      running.kill();
      await running.stop();
      await start();
    },
  };
  return { instance, stop: () => running.stop() };
}

function configOf(name: string): object {
  const owner = name === FIRST ? {} : { script_name: FIRST };
  return {
    name,
    main: resolve("test/stores/durable-only/worker.ts"),
    compatibility_date: "2026-11-02",
    compatibility_flags: ["nodejs_als"],
    durable_objects: {
      bindings: Object.entries(CLASSES).map(([binding, className]) => ({
        name: binding,
        class_name: className,
        ...owner,
      })),
    },
    migrations: [{ tag: "v1", new_sqlite_classes: Object.values(CLASSES) }],
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
