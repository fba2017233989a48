import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts, isFree } from "../../dev/support/ports.ts";
import { createOwnDatabase } from "../../../tools/test-services/own-database.ts";
import { createClient, type Client } from "./client.ts";
import { createServices, type LocalServices } from "./services.ts";

/** The top folder of the repository. */
export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

const START_DEADLINE_MS = 100_000;
const STOP_DEADLINE_MS = 20_000;

export interface ProductOptions {
  readonly instances?: number;
  /** Seconds between two runs of the cron handler. 0, the default here, never runs it. */
  readonly cronSeconds?: number;
  /** Folder whose wrangler.toml and Worker run. Default: this repository. The local services are always its own. */
  readonly root?: string;
  /** More environment variables for `npm run dev`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Strata as `npm run dev` starts it. Tests use only its addresses. */
export interface Product {
  readonly urls: readonly string[];
  readonly port: number;
  readonly adminToken: string;
  readonly services: LocalServices;
  /** Creates a client with its own address, and so with its own rate limits. */
  client(): Client;
  /** The output of `npm run dev` so far. */
  output(): string;
  /** Resolves when `npm run dev` ends, with its exit code or signal. */
  readonly ended: Promise<string>;
  /** Sends Ctrl-C. Rejects if a port is still in use afterwards. */
  stop(): Promise<void>;
}

/**
 * Runs `npm run dev` on free ports, and resolves when it prints that it is ready. Rejects with its
 * output if it ends or times out before.
 */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const instances = options.instances ?? 2;
  const port = await freePorts(instances + 1);
  const servicesPort = port + instances;
  const database = await createOwnDatabase();
  const env = {
    ...inherited(),
    LOCAL_POSTGRES: database.postgres,
    PORT: String(port),
    INSTANCES: String(instances),
    SERVICES_PORT: String(servicesPort),
    CRON_SECONDS: String(options.cronSeconds ?? 0),
    ...options.env,
  };
  // Its own process group, as a terminal creates for a foreground command.
  const root = options.root ?? ROOT;
  const where =
    options.root === undefined ? [] : ["--root", root, "--config", join(root, "wrangler.toml")];
  const child = spawn("npm", ["run", "dev", "--", ...where], { cwd: ROOT, env, detached: true });
  const ended = endOf(child);
  const output = collect(child);
  const interrupt = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // No process of the group is left.
    }
  };
  const ports = Array.from({ length: instances + 1 }, (_, index) => port + index);
  const stop = async (): Promise<void> => {
    interrupt("SIGINT");
    const how = await withTimeout(ended, STOP_DEADLINE_MS, "Ctrl-C");
    for (const each of ports)
      if (!(await isFree(each))) throw new Error(`port ${each} is in use after ${how}`);
    await database.drop();
  };
  try {
    await withTimeout(
      Promise.race([output.until(/Strata ready on .*ADMIN_TOKEN +\w+/s), failed(ended)]),
      START_DEADLINE_MS,
      "the ready line",
    );
  } catch (error) {
    interrupt("SIGINT");
    await withTimeout(ended, STOP_DEADLINE_MS, "Ctrl-C").catch(() => interrupt("SIGKILL"));
    await database.drop();
    throw new Error(`npm run dev did not start: ${(error as Error).message}\n${output.text()}`, {
      cause: error,
    });
  }
  const adminToken = /ADMIN_TOKEN +(\w+)/.exec(output.text())?.[1] ?? "";
  const urls = ports.slice(0, instances).map((each) => `http://127.0.0.1:${each}`);
  return {
    urls,
    port,
    adminToken,
    services: createServices(`http://127.0.0.1:${servicesPort}`, () =>
      variable(port, "UPSTASH_REDIS_REST_TOKEN", root),
    ),
    client: () => createClient(urls, adminToken),
    output: output.text,
    ended,
    stop,
  };
}

/** Reads a variable that this run passes to its Workers. */
function variable(port: number, name: string, root: string): string {
  const text = readFileSync(variablesFile(port, root), "utf8");
  return new RegExp(`^${name}='([^']*)'$`, "m").exec(text)?.[1] ?? "";
}

/** The file with the variables of the Workers of a run on this port. */
export function variablesFile(port: number, root = ROOT): string {
  return join(root, ".strata", String(port), "variables.env");
}

/** The environment without the variables of the test runner and of the Worker. */
function inherited(): NodeJS.ProcessEnv {
  const own =
    /^(?:VITEST|NODE_ENV$|NODE_OPTIONS$|ADMIN_TOKEN$|DATABASE_URL$|NEON_|UPSTASH_|ORIGIN_|OTEL_|LLM_|STRATA_|KEEP$|NO_SEED$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

async function failed(ended: Promise<string>): Promise<never> {
  throw new Error(`it ended with ${await ended}`);
}

function collect(child: ChildProcess) {
  let text = "";
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      for (const watcher of watchers) watcher();
    });
  }
  return {
    text: () => text,
    until: (pattern: RegExp) =>
      new Promise<void>((resolve) => {
        const watcher = (): void => {
          if (!pattern.test(text)) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
        watcher();
      }),
  };
}

async function withTimeout<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${ms / 1_000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
