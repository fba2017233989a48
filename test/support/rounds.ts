import { env } from "cloudflare:workers";
import type { Answer, Proxy, Scripted, Sending } from "../conformance/proxy.ts";

export interface Burst {
  /** Requests that reached the origin. */
  readonly asked: number;
  /** Round trips until the last client had its answer: 1 means that no client waited for another's. */
  readonly rounds: number;
  readonly answers: readonly Answer[];
}

/** The origin counts as quiet after this time, and so many round trips to Redis, without a new request. */
const QUIET_MS = 150;
const QUIET_TRIPS = 8;

/**
 * Sends requests at once to an origin that answers in rounds: it holds the requests that arrive,
 * and answers them together once no more come.
 */
export async function burst(
  proxy: Proxy,
  script: (request: Request) => Scripted,
  sendings: readonly Sending[],
): Promise<Burst> {
  const before = proxy.seen.length;
  let held: (() => void)[] = [];
  proxy.answers(async (request) => {
    await new Promise<void>((resolve) => held.push(resolve));
    return script(request);
  });
  let isDone = false;
  const sent = Promise.all(sendings.map((sending) => proxy.send(sending)));
  const answered = sent.finally(() => {
    isDone = true;
  });
  let rounds = 0;
  while (!isDone) {
    await quiet(
      () => held.length,
      () => isDone,
    );
    if (held.length === 0) continue;
    rounds++;
    const open = held;
    held = [];
    for (const answer of open) answer();
  }
  return { asked: proxy.seen.length - before, rounds, answers: await answered };
}

/**
 * Waits until no more requests come. On a busy machine time alone says nothing: the clients may not
 * have run. A round trip to Redis passes after what the clients have asked Redis before.
 */
async function quiet(count: () => number, isDone: () => boolean): Promise<void> {
  let last = count();
  let since = Date.now();
  let trips = 0;
  while (!isDone() && (Date.now() - since < QUIET_MS || trips < QUIET_TRIPS)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    await roundTripToRedis();
    trips++;
    if (count() === last) continue;
    last = count();
    since = Date.now();
    trips = 0;
  }
}

async function roundTripToRedis(): Promise<void> {
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env;
  const response = await fetch(`${url}/ping`, { headers: { Authorization: `Bearer ${token}` } });
  await response.body?.cancel();
}
