/** Runs wrk of Debian: one thread, connections that are kept. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { HOST } from "../tiers/load.ts";

export interface Load {
  readonly requests: number;
  readonly seconds: number;
  /** The 99th percentile of the time of a request, in milliseconds. */
  readonly p99Ms: number;
}

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  /** The processor that wrk runs on. */
  readonly processor: number;
}

const SCRIPT = join(import.meta.dirname, "report.lua");

/** Sends requests for the URL, and rejects if one fails or has another status than 2xx or 3xx. */
export async function runWrk(url: string, options: LoadOptions): Promise<Load> {
  const { connections, seconds, processor } = options;
  const fields = ["-H", `Host: ${HOST}`, "-H", "CF-Connecting-IP: 10.1.0.1"];
  const wrk = ["wrk", "-t1", `-c${connections}`, `-d${seconds}s`, ...fields, "-s", SCRIPT, url];
  const child = spawn("taskset", ["-c", `${processor}`, ...wrk], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [status] = (await once(child, "close")) as [number | null];
  const report = /^REPORT (\{.*\})$/m.exec(output)?.[1];
  if (status !== 0 || report === undefined) throw new Error(`wrk ended with ${status}: ${output}`);
  const { requests, us, failed, p99Us } = JSON.parse(report) as Record<string, number>;
  if (failed !== 0 || !requests || !us || !p99Us)
    throw new Error(`${url}: ${failed} of ${requests} requests failed`);
  return { requests, seconds: us / 1e6, p99Ms: p99Us / 1e3 };
}
