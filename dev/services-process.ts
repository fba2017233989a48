/**
 * Runs the local services in a process of their own, so that their work does not slow the program that
 * measures. Redis is a real server if one is on PATH, as in production.
 */
import { fork } from "node:child_process";
import { startServices, type ServiceAddresses } from "./services.ts";

export interface ForkedServices extends ServiceAddresses {
  /** Stops the services. Resolves when their process has ended. */
  close(): Promise<void>;
}

/**
 * Starts the local services with their data in memory. LOCAL_REDIS names the engine. `postgres` is
 * `embedded` (default) or the URL of a database, which is emptied.
 */
export async function forkServices(postgres = "embedded"): Promise<ForkedServices> {
  const child = fork(import.meta.filename, [postgres], { stdio: "inherit" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const addresses = await new Promise<ServiceAddresses>((resolve, reject) => {
    child.once("message", (message) => resolve(message as ServiceAddresses));
    child.once("exit", (code) => reject(new Error(`the local services ended with ${code}`)));
  });
  return {
    ...addresses,
    async close() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

if (import.meta.main) {
  const [postgres = "embedded"] = process.argv.slice(2);
  const redis = process.env["LOCAL_REDIS"] ?? "auto";
  const { died: _died, close, ...addresses } = await startServices({ redis, postgres });
  process.once("disconnect", () => void close());
  process.send?.(addresses satisfies ServiceAddresses);
}
