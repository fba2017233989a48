import { spawn } from "node:child_process";

/**
 * Kills a process group if this process ends without having killed it. A shell waits for the end of
 * a pipe, which also comes after SIGKILL. Returns a function that cancels the guard. The caller
 * must cancel it before the system can reuse the group's number.
 */
export function guardAgainstOrphans(group: number): () => void {
  const guard = spawn("sh", ["-c", 'read line || kill -KILL "-$0"', String(group)], {
    stdio: ["pipe", "ignore", "ignore"],
    // A group of its own does not receive Ctrl-C from the terminal.
    detached: true,
  });
  guard.on("error", () => undefined);
  guard.stdin.on("error", () => undefined);
  guard.unref();
  return () => void guard.stdin.end("called off\n");
}
