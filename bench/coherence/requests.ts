import { setTimeout as pause } from "node:timers/promises";
import { ask, type Answer } from "../tiers/load.ts";

/** A loopback address: no rate limit counts it in development, so that no limit asks Redis. */
const LOOPBACK = { "CF-Connecting-IP": "127.0.0.1" };

interface Init {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request that may be repeated, and rejects unless the status is 200. */
export async function request(url: string, init: Init = {}): Promise<Answer> {
  const whole = { ...init, headers: { ...LOOPBACK, ...init.headers } };
  // An idle connection may be closed just as it is used again.
  const answer = await ask(url, 0, whole).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ECONNRESET") return ask(url, 0, whole);
    throw error;
  });
  if (answer.status !== 200) throw new Error(`${url}: status ${answer.status}`);
  return answer;
}

/** Reads each URL every `everyMs`, until the work has ended. Returns the number of reads. */
export async function readDuring(
  urls: readonly string[],
  everyMs: number,
  work: Promise<unknown>,
): Promise<number> {
  let isRunning = true;
  let reads = 0;
  const loops = urls.map(async (url) => {
    for (; isRunning; reads++) {
      await request(url);
      await pause(everyMs);
    }
  });
  const ended = work.finally(() => (isRunning = false));
  await Promise.all([ended, ...loops]);
  return reads;
}
