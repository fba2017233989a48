import { Redis } from "@upstash/redis/cloudflare";
import { done, fault, type Fault } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { Millis } from "../core/time.ts";

export interface RedisOptions {
  readonly url: string;
  readonly token: string;
  /** The time limit of each request. */
  readonly timeoutMs: Millis;
}

export type RedisClient = Redis;

/**
 * Creates the Redis client that all parts share.
 *
 * - The SDK does not retry: a repeated write is billed twice, and the caller knows its own deadline.
 * - The signal is a function: with a plain signal the SDK turns an abort into an empty answer.
 * - Pipelines are explicit: automatic ones reorder commands.
 * - Reads do not wait for a replica that lacks the last write of this isolate. Nothing needs them to: the
 *   numbers of the log decide whether an entry is valid, the isolate marks its own invalidations in
 *   its log view, and scripts that write run on the primary.
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
    readYourWrites: false,
  });
}

/** Runs a call. If it throws, the thrown error is returned as a fault. */
export async function attempt<T>(call: () => Promise<T>): Promise<Result<T>> {
  try {
    return done(await call());
  } catch (error) {
    return { ok: false, fault: redisFaultOf(error) };
  }
}

/** The text that the SDK puts before the error of a command in a pipeline. */
const PIPELINED = /^Command \d+ \[ \w+ \] failed: /;
/**
 * Errors with which Redis refuses a command that it understood. The breaker does not count them as
 * failures: a database or a record that is full refuses writes, and still answers reads.
 *
 * @see https://upstash.com/docs/redis/troubleshooting/max_record_size_exceeded
 */
const REFUSAL =
  /^(?:WRONGTYPE|NOSCRIPT|NOAUTH|WRONGPASS|NOPERM|READONLY|OOM|Unauthorized|ERR max (?:request|(?:single )?record|key) size|ERR DB capacity quota)\b[^,]*/;
/**
 * All other errors of Redis. A server that does not work properly answers with these too, so the
 * breaker counts them.
 */
const OTHER_ERROR = /^ERR\b[^,]*/;

/** Returns the fault that an error of the client means. */
export function redisFaultOf(error: unknown): Fault {
  if (!(error instanceof Error)) return fault("redis.unavailable", "the request failed");
  if (error.name === "TimeoutError" || error.name === "AbortError")
    return fault("redis.timeout", "no answer within the deadline");
  // The SDK adds the command and its values to the message. Values must not be logged, so the patterns take only the words of Redis.
  const text = error.message.replace(PIPELINED, "");
  const refusal = REFUSAL.exec(text);
  if (refusal !== null) return fault("redis.rejected", refusal[0].slice(0, 120));
  const other = OTHER_ERROR.exec(text);
  if (other !== null) return fault("redis.unavailable", other[0].slice(0, 120));
  const unreached = error.name === "TypeError" || error.name === "Error";
  return fault("redis.unavailable", unreached ? "cannot be reached" : "unusable answer");
}
