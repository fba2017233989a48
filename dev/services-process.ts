/**
 * Runs the local services in a process of their own, so that their work does not slow the program that
 * measures. Redis is a real server if one is on PATH, as in production.
 */
import { fork } from "node:child_process";
import { endForked } from "./forked-process.ts";
import { startServices, type ServiceAddresses } from "./services.ts";

export interface ForkedServices extends ServiceAddresses {
  /** Rejects if the process ends before `close()`. It never resolves. */
  readonly died: Promise<never>;
  /** Stops the services. Resolves when their process has ended. */
  close(): Promise<void>;
}

/**
 * Starts the local services with their data in memory. LOCAL_REDIS names the engine. `postgres` is
 * `embedded` (default) or the URL of a database, which is emptied.
 */
export async function forkServices(postgres = "embedded"): Promise<ForkedServices> {
  // Its own process group, so that a Ctrl-C reaches the caller alone. It ends when the caller disconnects, or is gone.
  const child = fork(import.meta.filename, [postgres], { stdio: "inherit", detached: true });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let closing = false;
  const died = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      if (!closing) reject(new Error(`the local services ended with ${code ?? signal}`));
    });
  });
  died.catch(() => undefined);
  const ready = new Promise<ServiceAddresses>((resolve) =>
    child.once("message", (message) => resolve(message as ServiceAddresses)),
  );
  return {
    ...(await Promise.race([ready, died])),
    died,
    async close() {
      closing = true;
      await endForked(child, ended);
    },
  };
}

if (import.meta.main) {
  const [postgres = "embedded"] = process.argv.slice(2);
  const redis = process.env["LOCAL_REDIS"] ?? "auto";
  const { died, close, ...addresses } = await startServices({ redis, postgres });
  const end = (code: number): void => void close().finally(() => process.exit(code));
  void died.then((reason) => {
    console.error(`A local service ended: ${reason}`);
    end(1);
  });
  process.once("disconnect", () => end(0));
  if (process.connected) process.send?.(addresses satisfies ServiceAddresses);
  else end(0);
}
