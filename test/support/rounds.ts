import type { Answer, Proxy, Scripted, Sending } from "../conformance/proxy.ts";

export interface Burst {
  /** Requests that reached the origin. */
  readonly asked: number;
  /** Round trips until the last client had its answer: 1 means that no client waited for another's. */
  readonly rounds: number;
  readonly answers: readonly Answer[];
}

/** The origin counts as quiet after this time without a new request. */
const QUIET_MS = 150;

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

async function quiet(count: () => number, isDone: () => boolean): Promise<void> {
  let last = count();
  let since = Date.now();
  while (!isDone() && Date.now() - since < QUIET_MS) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (count() === last) continue;
    last = count();
    since = Date.now();
  }
}
