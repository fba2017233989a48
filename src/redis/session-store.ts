import type { Breaker } from "../core/breaker.ts";
import type { Context } from "../core/context.ts";
import type { SessionOperation } from "../core/events.ts";
import { done, failed } from "../core/faults.ts";
import type { NewId } from "../core/random.ts";
import type { Result } from "../core/result.ts";
import {
  readSessionRecord,
  type ListedSession,
  type SessionHash,
  type SessionRecord,
  type SessionStore,
} from "../core/sessions.ts";
import type { Millis } from "../core/time.ts";
import { attempt, type RedisClient } from "./client.ts";
import { createScriptRunner } from "./script-runner.ts";
import { CREATE, LIST, REVOKE, REVOKE_ALL, ROTATE } from "./session-scripts.ts";

export interface SessionStoreOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly breaker: Breaker;
  /** The time without a use after which a session ends. */
  readonly idleMs: Millis;
  /** The time after which a session ends, however often it is used. */
  readonly absoluteMs: Millis;
  /** Makes the names of revocations. */
  readonly newId: NewId;
  /** The most sessions of one user. */
  readonly maxPerUser: number;
  /** The time limit of a call. An answer that comes later is not used. */
  readonly timeoutMs: Millis;
}

/** A sign-in must not take longer than this. */
const KEEP_REVOCATION_MS: Millis = 3_600_000;

/**
 * Stores sessions in Redis. All operations are commands that write, so they run on the primary: a
 * replica could still have a session that is revoked. The read is GETEX, which is such a command.
 *
 * An answer that comes after the time limit is not used, so that a read that began before a revocation
 * does not succeed long after it.
 */
export function createSessionStore(options: SessionStoreOptions): SessionStore {
  const { redis, namespace, breaker, newId, idleMs, absoluteMs, maxPerUser, timeoutMs } = options;
  const sessions = `${namespace}:session:`;
  const indexes = `${namespace}:sessions:`;
  const revocations = `${namespace}:session-revocation:`;
  const createScript = createScriptRunner(redis, CREATE);
  const rotateScript = createScriptRunner(redis, ROTATE);
  const listScript = createScriptRunner(redis, LIST);
  const revokeScript = createScriptRunner(redis, REVOKE);
  const revokeAllScript = createScriptRunner(redis, REVOKE_ALL);

  /** `commands`: the number that Upstash bills for the result. */
  async function run<T>(
    operation: SessionOperation | "last-revocation",
    ctx: Context,
    call: () => Promise<Result<T>>,
    commands: (value: T) => number,
  ): Promise<Result<T>> {
    const startedAt = ctx.now();
    const answered = await breaker.run(call);
    const ms = ctx.now() - startedAt;
    const isLate = answered.ok && ms > timeoutMs;
    const result = isLate ? failed("redis.timeout", "no answer within the deadline") : answered;
    ctx.emit({
      type: "redis.end",
      operation: `session-${operation}`,
      command: operation === "read" || operation === "last-revocation" ? "GETEX" : "EVALSHA",
      commands: result.ok ? commands(result.value) : 0,
      startedAt,
      ms,
      outcome: result.ok ? "ok" : result.fault.code,
    });
    if (!result.ok) ctx.emit({ type: "fault.raise", fault: result.fault });
    return result;
  }

  const textOf = ({ hash, createdAt, endsAt, user }: SessionRecord): string =>
    `${hash} ${createdAt} ${endsAt} ${user}`;

  return {
    async create({ hash, user, replaced = "", revocation }, ctx) {
      const keys = [sessions + hash, indexes + user, revocations + user];
      const created = await run(
        "create",
        ctx,
        () =>
          attempt(() =>
            createScript<readonly [string, string, number | string]>(keys, [
              hash,
              user,
              idleMs,
              absoluteMs,
              maxPerUser,
              sessions,
              indexes,
              replaced,
              Number(revocation !== undefined),
              revocation ?? "",
            ]),
          ),
        ([, , calls]) => 1 + Number(calls),
      );
      if (!created.ok) return created;
      const [createdAt, endsAt] = created.value;
      return done(
        createdAt === "" ? undefined : { createdAt: Number(createdAt), endsAt: Number(endsAt) },
      );
    },

    lastRevocation: (user, ctx) =>
      run(
        "last-revocation",
        ctx,
        async () => {
          const found = await attempt(() => redis.getex<string>(revocations + user));
          if (!found.ok) return found;
          const name = found.value ?? "";
          // An answer to another read must not name the revocation of another user.
          return name === "" || name.endsWith(` ${user}`) ? done(name) : MIXED_UP;
        },
        () => 1,
      ),

    read: (hash, ctx) =>
      run(
        "read",
        ctx,
        async () => {
          const found = await attempt(() => redis.getex(sessions + hash, { px: idleMs }));
          if (!found.ok) return found;
          if (found.value === null) return done(undefined);
          const record = readSessionRecord(hash, found.value);
          return record === undefined ? MIXED_UP : done(record);
        },
        () => 1,
      ),

    rotate: (from, to, ctx) =>
      run(
        "rotate",
        ctx,
        () =>
          attempt(async () => {
            const keys = [sessions + from.hash, sessions + to, indexes + from.user];
            const value = textOf({ ...from, hash: to });
            const rotated = await rotateScript(keys, [from.hash, to, value, from.user, idleMs]);
            return Number(rotated) === 1;
          }),
        (rotated) => (rotated ? 9 : 2),
      ),

    list: (user, ctx) =>
      run(
        "list",
        ctx,
        async () => {
          const answer = await attempt(() =>
            listScript<(string | number)[]>([indexes + user], [sessions]),
          );
          return answer.ok ? listedIn(answer.value, user) : answer;
        },
        (found) => (found.length === 0 ? 3 : 4 + found.length),
      ),

    revoke: (user, hash, ctx) =>
      run(
        "revoke",
        ctx,
        () =>
          attempt(async () => {
            const keys = [sessions + hash, indexes + user];
            return Number(await revokeScript(keys, [hash, user])) === 1;
          }),
        (revoked) => (revoked ? 4 : 2),
      ),

    revokeAll: (user, ctx) =>
      run(
        "revoke-all",
        ctx,
        () =>
          attempt(async () => {
            const keys = [indexes + user, revocations + user];
            const name = `${newId()} ${user}`;
            return Number(await revokeAllScript(keys, [sessions, name, KEEP_REVOCATION_MS]));
          }),
        (ended) => (ended === 0 ? 3 : 5),
      ),
  };

  /** Reads the answer of the script `LIST`. */
  function listedIn(
    [now, ...rest]: readonly (string | number)[],
    user: string,
  ): Result<readonly ListedSession[]> {
    const listed: ListedSession[] = [];
    for (let i = 0; i < rest.length; i += 2) {
      const text = String(rest[i]);
      const record = readSessionRecord(hashIn(text), text);
      if (record === undefined || record.user !== user) return MIXED_UP;
      const unusedMs = Math.max(0, idleMs - Number(rest[i + 1]));
      listed.push({ ...record, lastUsedAt: Number(now) - unusedMs });
    }
    return done(listed);
  }
}

const MIXED_UP = failed("redis.corrupt", "the answer is not the session that was asked for");

function hashIn(text: string): SessionHash {
  return text.slice(0, 64);
}
