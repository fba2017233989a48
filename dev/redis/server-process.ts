import { spawn } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { guardAgainstOrphans } from "../orphan-guard.ts";

const START_DEADLINE_MS = 10_000;

export interface RedisProcess {
  readonly url: string;
  /** Name of the running program. */
  readonly program: string;
  /** Resolves with a reason if the process ends without `stop`. */
  readonly died: Promise<string>;
  stop(): Promise<void>;
}

/** Finds the Redis server on PATH. */
export function findRedisServer(path = process.env["PATH"] ?? ""): string | undefined {
  for (const program of ["redis-server", "valkey-server"]) {
    for (const folder of path.split(delimiter)) {
      const file = join(folder, program);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // The program is not in this folder.
      }
    }
  }
  return undefined;
}

export interface RedisProcessOptions {
  /** Folder for its data. Without it the data is in memory only. */
  readonly folder?: string;
  /** Stops the process, also during its start. */
  readonly signal?: AbortSignal;
}

/**
 * Starts a Redis server on a free loopback port. Rejects with the server's output if it ends before
 * it accepts connections.
 */
export async function startRedisServer(
  file: string,
  options: RedisProcessOptions = {},
): Promise<RedisProcess> {
  const port = await freePort();
  options.signal?.throwIfAborted();
  const temporary =
    options.folder === undefined ? mkdtempSync(join(tmpdir(), "strata-redis-")) : undefined;
  const folder = temporary ?? options.folder!;
  mkdirSync(folder, { recursive: true });
  const persistence = temporary === undefined ? "yes" : "no";
  const child = spawn(
    file,
    [
      "--bind",
      "127.0.0.1",
      "--port",
      String(port),
      "--save",
      "",
      "--appendonly",
      persistence,
      "--dir",
      folder,
    ],
    // A group of its own does not receive Ctrl-C: the supervisor receives it and stops the server
    // in order.
    { stdio: ["ignore", "pipe", "pipe"], detached: true },
  );
  let printed = "";
  let stopping = false;
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<string>();
  const listen = (chunk: Buffer): void => {
    printed = (printed + chunk.toString()).slice(-4_000);
    if (/ready to accept connections/i.test(printed)) ready.resolve();
  };
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  child.once("error", (error) => ended.resolve(error.message));
  child.once("exit", (code, signal) =>
    ended.resolve(`${file} ended with ${signal ?? `code ${code}`}`),
  );
  // Kills the server if this process exits without an orderly stop.
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const callOffGuard = child.pid === undefined ? undefined : guardAgainstOrphans(child.pid);

  const stop = async (): Promise<void> => {
    stopping = true;
    child.kill("SIGTERM");
    const timer = setTimeout(kill, 2_000);
    await ended.promise;
    clearTimeout(timer);
    callOffGuard?.();
    process.off("exit", kill);
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
  };

  const timer = setTimeout(
    () => ready.reject(new Error("it did not answer in time")),
    START_DEADLINE_MS,
  );
  const onAbort = (): void => ready.reject(options.signal?.reason);
  options.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([
      ready.promise,
      ended.promise.then((reason) => Promise.reject(new Error(reason))),
    ]);
  } catch (error) {
    await stop();
    throw new Error(`${file} did not start: ${(error as Error).message}\n${printed}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
  }
  const died = Promise.withResolvers<string>();
  void ended.promise.then((reason) => {
    if (!stopping) died.resolve(reason);
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    program: file.split("/").at(-1) ?? file,
    died: died.promise,
    stop,
  };
}

/** Returns a port that was free when it was checked. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
