import { execFileSync } from "node:child_process";

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/**
 * Finds the processes that run the Worker of one instance of `npm run dev`: the descendants of the wrangler process
 * whose command line has the port.
 */
export function runtimeOf(port: number): number[] {
  const top = processes().filter(
    ({ command }) => command.includes("wrangler") && command.includes(`--port ${port} `),
  );
  return runtimesUnder(top.map(({ pid }) => pid));
}

/** Finds the processes of workerd that descend from processes with these ids. */
export function runtimesUnder(top: readonly number[]): number[] {
  const all = processes();
  const family = new Set(top);
  for (let size = 0; size < family.size;) {
    size = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all
    .filter(({ pid, command }) => family.has(pid) && /\/workerd /.test(command))
    .map(({ pid }) => pid);
}

function processes(): Process[] {
  const listing = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args=", "-ww"], { encoding: "utf8" });
  return listing.split("\n").flatMap((line) => {
    const [, pid, parent, command = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
  });
}

/** Sends a signal to each process that still runs. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // The process has ended.
    }
  }
}
