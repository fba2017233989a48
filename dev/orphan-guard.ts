import { spawn } from "node:child_process";

/**
 * Kills a process group should this process end without having done so: a shell waits for the end
 * of a pipe, which comes however this process ends, SIGKILL included. Gives the function that calls
 * the guard off; it must be called before the group's number can belong to someone else.
 */
export function guardAgainstOrphans(group: number): () => void {
  const guard = spawn("sh", ["-c", 'read line || kill -KILL "-$0"', String(group)], {
    stdio: ["pipe", "ignore", "ignore"],
    // Out of the way of the terminal's Ctrl-C.
    detached: true,
  });
  guard.on("error", () => undefined);
  guard.stdin.on("error", () => undefined);
  guard.unref();
  return () => void guard.stdin.end("called off\n");
}
