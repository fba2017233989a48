import type { ChildProcess } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";

/**
 * Ends a child that ends itself when it is disconnected, and that has a process group of its own (`detached`). Kills
 * the group if the child has not ended after `patienceMs`. Resolves when the child has ended.
 */
export async function endForked(
  child: ChildProcess,
  ended: Promise<unknown>,
  patienceMs = 8_000,
): Promise<void> {
  if (child.connected) child.disconnect();
  const patience = new AbortController();
  void pause(patienceMs, undefined, { signal: patience.signal }).then(
    () => killGroup(child),
    () => undefined,
  );
  await ended;
  patience.abort();
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // No process of the group is left.
  }
}
