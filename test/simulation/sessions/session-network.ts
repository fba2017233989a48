/** The connection between isolates and the model of Redis: it delays, loses and mixes up answers, and fails over. */
import type { RedisClient } from "../../../src/redis/client.ts";
import type { VirtualTime } from "../virtual-time.ts";
import type { SessionData, SessionRedisModel } from "./session-redis-model.ts";

/** How bad the connection is. Each number is a share of the calls, from 0 to 1. */
export interface NetworkFaults {
  readonly lostRequests: number;
  readonly lostAnswers: number;
  /** Reads that get the answer to a read of another session. */
  readonly mixedUp: number;
  /** Calls whose time limit fires late, because their isolate is busy. */
  readonly lateLimits: number;
  readonly maxDelayMs: number;
}

export const CALM: NetworkFaults = {
  lostRequests: 0,
  lostAnswers: 0,
  mixedUp: 0,
  lateLimits: 0,
  maxDelayMs: 5,
};

export interface SessionNetwork {
  readonly client: RedisClient;
  /** Carries out a call, unless the request is lost, and answers it, unless the answer is. */
  call<T>(operation: () => T): Promise<T>;
  /** Replaces Redis by a replica that lacks the writes of the last `lagMs`. */
  failOver(lagMs: number): void;
}

export interface SessionNetworkOptions {
  readonly model: SessionRedisModel;
  readonly time: VirtualTime;
  readonly timeoutMs: number;
  readonly faults: () => NetworkFaults;
  /** Plants that nobody compares the hash in an answer: mixed-up answers have the hash that was asked for. */
  readonly forges: boolean;
}

const HASH_LENGTH = 64;
/** The longest time by which a time limit fires late. */
const LATE_MS = 3_000;

class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

export function createSessionNetwork(options: SessionNetworkOptions): SessionNetwork {
  const { model, time, timeoutMs, faults, forges } = options;
  const saved: { readonly at: number; readonly data: SessionData }[] = [];
  let otherRead: string | null = null;

  function apply<T>(operation: () => T): T {
    saved.push({ at: time.now(), data: model.save() });
    if (saved.length > 50) saved.shift();
    return operation();
  }

  function call<T>(operation: () => T): Promise<T> {
    const { lostRequests, lostAnswers, lateLimits, maxDelayMs } = faults();
    const isRequestLost = time.random() < lostRequests;
    const isAnswerLost = time.random() < lostAnswers;
    // Most calls are fast, and some are very slow.
    const requestMs = time.random() ** 3 * maxDelayMs;
    const answerMs = time.random() ** 3 * maxDelayMs;
    const lateMs = time.random() < lateLimits ? time.random() * LATE_MS : 0;
    return new Promise((resolve, reject) => {
      const cancel = time.after(timeoutMs + lateMs, () => reject(new TimeoutError()));
      if (isRequestLost) return;
      time.after(requestMs, () => {
        let answer: T;
        try {
          answer = apply(operation);
        } catch (error) {
          cancel();
          reject(error);
          return;
        }
        if (isAnswerLost) return;
        time.after(answerMs, () => {
          cancel();
          resolve(answer);
        });
      });
    });
  }

  function read(key: string, px: number | undefined): string | null {
    const own = model.getex(key, px);
    const isOther = otherRead !== null && !key.endsWith(otherRead.slice(0, HASH_LENGTH));
    if (time.random() < faults().mixedUp && otherRead !== null && isOther)
      return forges ? key.slice(-HASH_LENGTH) + otherRead.slice(HASH_LENGTH) : otherRead;
    if (own !== null) otherRead = own;
    return own;
  }

  const run = (body: string, keys: string[], args: string[]) =>
    call(() => model.run(body, keys, args));

  const client = {
    getex: (key: string, expiry?: { readonly px: number }) => call(() => read(key, expiry?.px)),
    eval: run,
    createScript: (body: string) => ({
      exec: (keys: string[], args: string[]) => run(body, keys, args),
    }),
  };

  return {
    client: client as unknown as RedisClient,
    call,
    failOver(lagMs) {
      const at = time.now() - lagMs;
      // What was saved before a write is the state until this write.
      const first = saved.find((one) => one.at >= at);
      if (first !== undefined) model.load(first.data);
    },
  };
}
