import type { Breaker } from "../core/breaker.ts";
import type { LeaseStore, Taken } from "../core/task.ts";
import type { Millis } from "../core/time.ts";
import { attempt, type RedisClient } from "./client.ts";
import { createScriptRunner } from "./script-runner.ts";

/** A cursor that no run has used for so long is forgotten, and the task begins at its start. */
const CURSOR_TTL_MS: Millis = 86_400_000;
/** The text in place of the token while a task pauses. A token is an id, so that it never equals this. */
const PAUSED = "paused";
const FLAGS = "#!lua flags=allow-key-locking\n";

/** KEYS: lease, cursor. ARGV: token, milliseconds. Returns {state, cursor}. */
const TAKE = `${FLAGS}
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return { 'taken', redis.call('GET', KEYS[2]) or '' }
end
if redis.call('GET', KEYS[1]) == '${PAUSED}' then return { 'early', '' } end
return { 'held', '' }
`;

/** KEYS: lease, cursor. ARGV: token, cursor. Returns 1 if the token has the lease. */
const SAVE = `${FLAGS}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', '${CURSOR_TTL_MS}')
return 1
`;

/** KEYS: lease, cursor. ARGV: token, milliseconds of the pause, 1 to delete the cursor. Returns 1 if the token had the lease. */
const RELEASE = `${FLAGS}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '0' then
  redis.call('SET', KEYS[1], '${PAUSED}', 'PX', ARGV[2])
  if ARGV[3] == '1' then redis.call('DEL', KEYS[2]) end
elseif ARGV[3] == '1' then redis.call('DEL', KEYS[1], KEYS[2])
else redis.call('DEL', KEYS[1]) end
return 1
`;

/** Stores leases and cursors in Redis, behind the breaker of the cache: two strings for each task. */
export function createLeaseStore(
  redis: RedisClient,
  namespace: string,
  breaker: Breaker,
): LeaseStore {
  const takeScript = createScriptRunner(redis, TAKE);
  const saveScript = createScriptRunner(redis, SAVE);
  const releaseScript = createScriptRunner(redis, RELEASE);
  const keysOf = (task: string) => [`${namespace}:lease:${task}`, `${namespace}:cursor:${task}`];
  const run = <T>(call: () => Promise<T>) => breaker.run(() => attempt(call));

  return {
    take: (task, token, ttlMs) =>
      run(async (): Promise<Taken> => {
        const [state, cursor] = await takeScript<[Taken["state"], string]>(keysOf(task), [
          token,
          ttlMs,
        ]);
        return state === "taken"
          ? { state, cursor: cursor === "" ? undefined : cursor }
          : { state };
      }),
    saveCursor: (task, token, cursor) =>
      run(async () => Number(await saveScript(keysOf(task), [token, cursor])) === 1),
    release: (task, token, { pauseMs, finished }) =>
      run(
        async () =>
          Number(await releaseScript(keysOf(task), [token, pauseMs, finished ? 1 : 0])) === 1,
      ),
  };
}
