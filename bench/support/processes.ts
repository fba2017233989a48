/** Starts and measures the servers of a benchmark on Linux: processor time of a process tree, pinning, free ports. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { processIds, processorTime, statOf } from "./processor-time.ts";

const READY_MS = 10_000;

/** Returns whether a program is on PATH. */
export function hasProgram(name: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${name}`]).status === 0;
}

/** Returns the processor time of a process and of all that descend from it, in microseconds. */
export function treeTime(root: number): number {
  const parents = new Map(processIds().map((pid) => [pid, statOf(pid)?.parent]));
  const family = new Set([root]);
  for (let size = 0; size < family.size;) {
    size = family.size;
    for (const [pid, parent] of parents)
      if (parent !== undefined && family.has(parent)) family.add(pid);
  }
  return [...family].reduce((sum, pid) => sum + (processorTime(pid) ?? 0), 0);
}

/** Restricts all threads of a running process to one processor. Later threads inherit it. */
export function pin(pid: number, processor: number): void {
  const { status, stderr } = spawnSync("taskset", ["-a", "-c", "-p", `${processor}`, `${pid}`]);
  if (status !== 0) throw new Error(`taskset: ${stderr.toString()}`);
}

/** Starts a server in the foreground, and returns when it answers at the URL. */
export async function startServer(
  command: readonly [string, ...string[]],
  url: string,
): Promise<{ readonly pid: number; close(): Promise<void> }> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const close = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
  };
  if (await answers(url, child)) return { pid: child.pid ?? 0, close };
  await close();
  throw new Error(`${program} does not answer: ${errors}`);
}

async function answers(url: string, child: ChildProcess): Promise<boolean> {
  for (const until = Date.now() + READY_MS; Date.now() < until && child.exitCode === null;) {
    try {
      await (await fetch(url)).arrayBuffer();
      return true;
    } catch {
      await sleep(50);
    }
  }
  return false;
}

/** Returns a port of loopback that no program listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
