import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { ProcessGroup } from "./process-group.ts";
import { startProcessGroup } from "./process-group.ts";

const HEALTH_TIMEOUT_MS = 3_000;
const POLL_MS = 100;

export interface WorkerInstanceOptions {
  readonly config: string;
  readonly port: number;
  /** File with the Worker's variables. */
  readonly variables: string;
  /** Folder for this instance's Cache API and Durable Object storage. */
  readonly persistTo: string;
  /** The name of the Worker in its configuration. No other running instance has it. */
  readonly worker: string;
  /** Folder in which the instances of this supervisor find each other, by the name of the Worker. */
  readonly registry: string;
  readonly cwd: string;
  readonly onLine: (line: string) => void;
}

/** Starts one `wrangler dev` on loopback, without prompts and without internet access. */
export function startWorkerInstance(options: WorkerInstanceOptions): ProcessGroup {
  // A process that was killed leaves its address there, and wrangler would not replace it for 90 s.
  rmSync(join(options.registry, options.worker), { force: true });
  const wrangler = createRequire(import.meta.url).resolve("wrangler/package.json");
  return startProcessGroup({
    command: process.execPath,
    args: [
      join(dirname(wrangler), "bin", "wrangler.js"),
      "dev",
      "--local",
      ...["--config", options.config],
      ...["--ip", "127.0.0.1"],
      ...["--port", String(options.port)],
      ...["--inspector-port", "0"],
      ...["--env-file", options.variables],
      ...["--persist-to", options.persistTo],
      "--show-interactive-dev-session=false",
    ],
    cwd: options.cwd,
    env: {
      ...process.env,
      WRANGLER_REGISTRY_PATH: options.registry,
      // The banner looks for updates, and request.cf would be downloaded. Both need the internet.
      WRANGLER_HIDE_BANNER: "true",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_SEND_ERROR_REPORTS: "false",
      WRANGLER_WRITE_LOGS: "false",
      CI: "1",
    },
    onLine: options.onLine,
  });
}

/**
 * Resolves when `GET` of the health route answers 200. Rejects with the last answer after `deadlineMs`, and
 * when `signal` aborts.
 */
export async function untilHealthy(
  url: string,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  let last = "no answer";
  while (performance.now() < deadline) {
    signal.throwIfAborted();
    try {
      const response = await fetch(url, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(HEALTH_TIMEOUT_MS)]),
      });
      const body = await response.text();
      if (response.status === 200) return;
      last = `status ${response.status}: ${body.slice(0, 500)}`;
    } catch (error) {
      signal.throwIfAborted();
      last = reasonOf(error);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(
    `${url} did not answer 200 within ${deadlineMs / 1_000} s; the last answer was ${last}`,
  );
}

/** Returns the cause of a failed `fetch`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
