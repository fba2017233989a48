import type { RedisClient } from "./client.ts";

/** The part of the SDK's client that a script needs. `@upstash/ratelimit` declares the same. */
export type ScriptClient = Pick<RedisClient, "eval" | "evalRo" | "createScript">;

export interface ScriptOptions {
  /** True if the script only reads, so that a replica may run it. Default false. */
  readonly readonly?: boolean;
}

/** Runs a script with its KEYS and ARGV. */
export type RunScript = <T>(keys: string[], args: readonly (string | number)[]) => Promise<T>;

/**
 * Runs a Lua script with one request. The first call of an isolate sends the script itself, which
 * also loads it into Redis; later calls send its SHA-1 digest. A call costs a second request only
 * if the database has lost its scripts.
 *
 * @see docs/decisions/0003-first-script-call-sends-its-body.md
 */
export function createScriptRunner(
  redis: ScriptClient,
  body: string,
  { readonly = false }: ScriptOptions = {},
): RunScript {
  const script = readonly
    ? redis.createScript<unknown, true>(body, { readonly: true })
    : redis.createScript(body);
  let loaded = false;

  return async <T>(keys: string[], args: readonly (string | number)[]): Promise<T> => {
    const texts = args.map(String);
    if (loaded) return (await script.exec(keys, texts)) as T;
    const raw = readonly
      ? await redis.evalRo(body, keys, texts)
      : await redis.eval(body, keys, texts);
    loaded = true;
    return raw as T;
  };
}
