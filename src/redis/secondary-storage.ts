import type { Breaker } from "../core/breaker.ts";
import type { Result } from "../core/result.ts";
import { SessionsUnavailable } from "../core/sessions.ts";
import { sha256Hex } from "../core/sha256.ts";
import type { Millis } from "../core/time.ts";
import { attempt, type RedisClient } from "./client.ts";
import { createScriptRunner } from "./script-runner.ts";

/**
 * A store of texts that expire: the option `secondaryStorage` of better-auth. Every method throws
 * `SessionsUnavailable` if Redis does not answer within `sessions.timeout`.
 *
 * @see https://www.better-auth.com/docs/concepts/database#secondary-storage
 */
export interface SecondaryStorage {
  /** Returns the value. Null if there is none, or if it has expired. */
  get(key: string): Promise<string | null>;
  /** Returns the value and deletes it, in one step. */
  getAndDelete(key: string): Promise<string | null>;
  /** `ttl`: the lifetime in seconds. Default: `sessions.absolute`. */
  set(key: string, value: string, ttl?: number): Promise<void>;
  /** Deletes the value. Every later read finds none. */
  delete(key: string): Promise<void>;
  /** Adds 1 to a counter and returns it. A new counter expires after `ttl` seconds. */
  increment(key: string, ttl: number): Promise<number>;
}

export interface SecondaryStorageOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly breaker: Breaker;
  /** The lifetime of a value without one of its own. Everything expires, so that Redis cannot fill up. */
  readonly defaultTtlMs: Millis;
}

/** KEYS: counter. ARGV: milliseconds of a new counter. */
const INCREMENT = `#!lua flags=allow-key-locking
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count
`;

/**
 * Stores the texts of better-auth in Redis. The keys are hashed, because some of them are session tokens. Reads
 * are GETEX and GETDEL, which run on the primary: a replica could still have what was deleted.
 */
export function createSecondaryStorage(options: SecondaryStorageOptions): SecondaryStorage {
  const { redis, namespace, breaker, defaultTtlMs } = options;
  const incrementScript = createScriptRunner(redis, INCREMENT);

  async function run<T>(key: string, call: (hashed: string) => Promise<T>): Promise<T> {
    const hashed = `${namespace}:auth:${await sha256Hex(key)}`;
    const result: Result<T> = await breaker.run(() => attempt(() => call(hashed)));
    if (!result.ok) throw new SessionsUnavailable(result.fault);
    return result.value;
  }

  const msOf = (ttl: number | undefined): Millis =>
    ttl !== undefined && ttl > 0 ? Math.ceil(ttl * 1_000) : defaultTtlMs;

  return {
    get: (key) => run(key, (hashed) => redis.getex<string>(hashed)),
    getAndDelete: (key) => run(key, (hashed) => redis.getdel<string>(hashed)),
    set: (key, value, ttl) =>
      run(key, async (hashed) => void (await redis.set(hashed, value, { px: msOf(ttl) }))),
    delete: (key) => run(key, async (hashed) => void (await redis.del(hashed))),
    increment: (key, ttl) =>
      run(key, async (hashed) => Number(await incrementScript([hashed], [msOf(ttl)]))),
  };
}
