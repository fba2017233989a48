/**
 * Runs the local services in a process of their own, so that their work does not slow the load
 * generator. Redis is a real server if one is on PATH, as in production.
 */
import { fork } from "node:child_process";
import { startServices } from "../../dev/services.ts";

/** The addresses of the services. */
export interface ServiceAddresses {
  readonly url: string;
  readonly redisUrl: string;
  readonly redisToken: string;
  readonly sqlEndpoint: string;
  readonly databaseUrl: string;
}

export async function forkServices(): Promise<ServiceAddresses & { close(): Promise<void> }> {
  const child = fork(import.meta.filename, { stdio: "inherit" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const addresses = await new Promise<ServiceAddresses>((resolve, reject) => {
    child.once("message", (message) => resolve(message as ServiceAddresses));
    child.once("exit", (code) => reject(new Error(`the local services ended with ${code}`)));
  });
  return {
    ...addresses,
    async close() {
      child.disconnect();
      await ended;
    },
  };
}

if (import.meta.main) {
  const services = await startServices({ redis: process.env["LOCAL_REDIS"] ?? "auto" });
  const { url, redisUrl, redisToken, sqlEndpoint, databaseUrl } = services;
  process.once("disconnect", () => void services.close());
  process.send?.({
    url,
    redisUrl,
    redisToken,
    sqlEndpoint,
    databaseUrl,
  } satisfies ServiceAddresses);
}
