import { spawn } from "node:child_process";
import { guardAgainstOrphans } from "../orphan-guard.ts";

/** Milliseconds in which a group may end by itself before it is killed. */
const GRACE_MS = 5_000;
const KILL_WAIT_MS = 2_000;
const POLL_MS = 25;

export interface ProcessGroupOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Receives every line that the group prints. */
  readonly onLine: (line: string) => void;
}

export interface ProcessGroup {
  /** Resolves with the exit code or signal when the first process ends. */
  readonly ended: Promise<string>;
  /** Ends every process of the group, and resolves when none is left. Further calls do nothing. */
  stop(): Promise<void>;
  /** Kills every process of the group at once. */
  kill(): void;
}

/**
 * Starts a program in its own process group. Its child processes can then be ended with it, and
 * only the supervisor receives Ctrl-C.
 */
export function startProcessGroup(options: ProcessGroupOptions): ProcessGroup {
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const ended = Promise.withResolvers<string>();
  child.once("error", (error) => ended.resolve(error.message));
  child.once("exit", (code, signal) =>
    ended.resolve(signal === null ? `exit code ${code}` : signal),
  );
  for (const stream of [child.stdout, child.stderr]) forwardLines(stream, options.onLine);

  const signalGroup = (signal: NodeJS.Signals | 0): boolean => {
    if (child.pid === undefined) return false;
    try {
      return process.kill(-child.pid, signal);
    } catch {
      return false;
    }
  };
  const kill = (): void => void signalGroup("SIGKILL");
  process.once("exit", kill);
  const callOffGuard = child.pid === undefined ? undefined : guardAgainstOrphans(child.pid);

  const gone = async (withinMs: number): Promise<boolean> => {
    const deadline = performance.now() + withinMs;
    while (signalGroup(0)) {
      if (performance.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return true;
  };

  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    signalGroup("SIGTERM");
    if (!(await gone(GRACE_MS))) {
      kill();
      await gone(KILL_WAIT_MS);
    }
    callOffGuard?.();
    process.off("exit", kill);
  };
  return { ended: ended.promise, stop: () => (stopping ??= stop()), kill };
}

function forwardLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = "";
  stream.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  stream.on("end", () => {
    if (rest !== "") onLine(rest);
  });
}
