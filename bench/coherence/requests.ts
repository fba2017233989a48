import { setTimeout as pause } from "node:timers/promises";
import { ask, type Answer } from "../tiers/load.ts";

/** A loopback address: no rate limit counts it in development, so that no limit asks Redis. */
const LOOPBACK = { "CF-Connecting-IP": "127.0.0.1" };

export async function request(
  url: string,
  init: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const answer = await ask(url, 0, { ...init, headers: { ...LOOPBACK, ...init.headers } });
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
  await work;
  isRunning = false;
  await Promise.all(loops);
  return reads;
}
