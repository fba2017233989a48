import { Redis } from "@upstash/redis/cloudflare";
import { failed } from "../core/faults.ts";
import { done, type Fault } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { Millis } from "../core/time.ts";

export interface RedisOptions {
  readonly url: string;
  readonly token: string;
  /** Every request ends after this long. */
  readonly timeoutMs: Millis;
}

export type RedisClient = Redis;

/**
 * The one way to make a Redis client. One attempt a request: a repeated write
 * would be charged twice, and a caller with a deadline decides better. The
 * signal is a function, since with a plain signal the SDK turns an abort into
 * an empty answer. Pipelines are explicit, since automatic ones reorder.
 */
export function createRedis({ url, token, timeoutMs }: RedisOptions): RedisClient {
  return new Redis({
    url,
    token,
    retry: { retries: 0 },
    signal: () => AbortSignal.timeout(timeoutMs),
    responseEncoding: false,
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
  });
}

/** Runs a call; whatever goes wrong comes back as a fault. */
export async function attempt<T>(call: () => Promise<T>): Promise<Result<T>> {
  try {
    return done(await call());
  } catch (error) {
    return classify(error);
  }
}

/** How the SDK begins the error of one command of a pipeline. */
const PIPELINED = /^Command \d+ \[ \w+ \] failed: /;
/** What Redis says when it understood the command and refuses it: it is alive. */
const REFUSAL =
  /^(?:WRONGTYPE|NOSCRIPT|NOAUTH|WRONGPASS|NOPERM|READONLY|OOM|Unauthorized|ERR max request size)\b[^,]*/;
/** Everything else that it says; the error of a server that is not well begins like this too. */
const COMPLAINT = /^ERR\b[^,]*/;

function classify(error: unknown): { ok: false; fault: Fault } {
  if (!(error instanceof Error)) return failed("redis.unavailable", "the request failed");
  if (error.name === "TimeoutError" || error.name === "AbortError")
    return failed("redis.timeout", "no answer within the deadline");
  // The SDK appends the whole command, values included: keep only Redis' own words.
  const text = error.message.replace(PIPELINED, "");
  const refusal = REFUSAL.exec(text);
  if (refusal !== null) return failed("redis.rejected", refusal[0].slice(0, 120));
  const complaint = COMPLAINT.exec(text);
  if (complaint !== null) return failed("redis.unavailable", complaint[0].slice(0, 120));
  const unreached = error.name === "TypeError" || error.name === "Error";
  return failed("redis.unavailable", unreached ? "cannot be reached" : "unusable answer");
}
