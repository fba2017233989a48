import type { Context } from "../core/context.ts";
import type { WithTimeout } from "../core/deadline.ts";
import { done, failed } from "../core/faults.ts";
import { shardOf } from "../core/hash.ts";
import type { NewId } from "../core/random.ts";
import type { Result } from "../core/result.ts";
import type { SessionHash, SessionRecord, SessionStore } from "../core/sessions.ts";
import type { Millis } from "../core/time.ts";
import { attemptObject } from "./object-attempt.ts";
import type { BreakerOf } from "./object-breakers.ts";
import { placesByObject } from "./places.ts";
import type { NewPlace, Place, Placed } from "./session-places.ts";
import type { StoredSession } from "./session-rows.ts";
import type { SessionRpc } from "./session-rpc.ts";

export interface SessionPortOptions {
  /** Creates a stub for the object with this name. Each call needs a new one: it cannot be used again after an error. */
  readonly stub: (name: string) => SessionRpc;
  /** The namespace. Each namespace has its own objects. */
  readonly namespace: string;
  /** The number of objects over which the sessions, and the users, are distributed. */
  readonly shards: number;
  readonly breakerOf: BreakerOf;
  /** Makes the names of revocations. */
  readonly newId: NewId;
  /** The time without a use after which a session ends. */
  readonly idleMs: Millis;
  /** The time after which a session ends, however often it is used. */
  readonly absoluteMs: Millis;
  /** The most sessions of one user. */
  readonly maxPerUser: number;
  /** The time limit of a call. An answer that comes later is not used. */
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
}

/**
 * Stores sessions in the StrataSessions objects. A session is in the object of its hash, so that a read is one
 * call; its place in the list of its user is in the object of the user. The two change one after the other:
 *
 * - A session gets its place before it is stored, and loses it after it has ended. A revocation of all sessions
 *   therefore finds every session, whatever call fails.
 * - A session whose place is new may still be on its way. Its object then remembers that it has ended, and does
 *   not store it; later than a minute after the place was made, it does not store it either.
 */
export function createDurableSessionStore(options: SessionPortOptions): SessionStore {
  const { stub, namespace, shards, breakerOf, newId, idleMs, timeoutMs, withTimeout } = options;
  const { absoluteMs, maxPerUser } = options;
  // The name has the number of objects: after a change of it no session may be found that its user's object does not know.
  const objectOf = (hashOrUser: string): string =>
    `${namespace}-sessions-${shards}-${shardOf(hashOrUser, shards)}`;

  async function call<T>(
    name: string,
    method: keyof SessionRpc,
    send: (object: SessionRpc) => Promise<T>,
    ctx: Context,
  ): Promise<Result<T>> {
    const startedAt = ctx.now();
    const answered = await breakerOf(name).run(() =>
      attemptObject(() => send(stub(name)), withTimeout, timeoutMs),
    );
    const ms = ctx.now() - startedAt;
    const isLate = answered.ok && ms > timeoutMs;
    const result = isLate ? failed("store.timeout", "no answer within the deadline") : answered;
    ctx.emit({
      type: "durable.end",
      method: `StrataSessions/${method}`,
      startedAt,
      ms,
      outcome: result.ok ? "ok" : result.fault.code,
      spanId: ctx.child()?.spanId ?? "",
    });
    if (!result.ok) ctx.emit({ type: "fault.raise", fault: result.fault });
    return result;
  }

  /** Asks the object of each hash. */
  async function callEach<T>(
    hashes: readonly SessionHash[],
    method: keyof SessionRpc,
    send: (object: SessionRpc, own: readonly SessionHash[]) => Promise<readonly T[]>,
    ctx: Context,
  ): Promise<Result<readonly T[]>> {
    const answers = await Promise.all(
      [...placesByObject(hashes, objectOf)].map(([name, at]) =>
        call(
          name,
          method,
          (object) =>
            send(
              object,
              at.map((i) => hashes[i]!),
            ),
          ctx,
        ),
      ),
    );
    const found: T[] = [];
    for (const answer of answers)
      if (answer.ok) found.push(...answer.value);
      else return answer;
    return done(found);
  }

  const peek = (hashes: readonly SessionHash[], ctx: Context) =>
    callEach<StoredSession>(hashes, "peek", (object, own) => object.peek(own, idleMs), ctx);

  /** Ends sessions that have places, and drops the places. Returns the number of sessions. */
  async function endPlaces(
    user: string,
    places: readonly Place[],
    ctx: Context,
  ): Promise<Result<number>> {
    const hashes = places.map(({ hash }) => hash);
    const pending = new Set(places.filter(({ isPending }) => isPending).map(({ hash }) => hash));
    const ended = await callEach<SessionRecord>(
      hashes,
      "remove",
      (object, own) =>
        object.remove({
          hashes: own,
          user,
          pending: own.filter((one) => pending.has(one)),
          idleMs,
        }),
      ctx,
    );
    if (!ended.ok) return ended;
    if (hashes.length > 0) dropLater(user, hashes, ctx);
    return done(ended.value.length);
  }

  /** Ends one session. Returns undefined if there was none, or if it is not the user's. */
  async function endOne(
    hash: SessionHash,
    user: string | undefined,
    ctx: Context,
  ): Promise<Result<SessionRecord | undefined>> {
    const removal = { hashes: [hash], user, pending: [], idleMs };
    const ended = await call(objectOf(hash), "remove", (object) => object.remove(removal), ctx);
    if (!ended.ok) return ended;
    const [record] = ended.value;
    if (record !== undefined) dropLater(record.user, [hash], ctx);
    return done(record);
  }

  /** A place that is left has no session. Lists do not show it. */
  function dropLater(user: string, hashes: readonly SessionHash[], ctx: Context): void {
    ctx.defer(call(objectOf(user), "drop", (object) => object.drop(user, hashes), ctx));
  }

  /** Stores a session that has a place. Returns false if it has been ended meanwhile. */
  async function store(
    record: SessionRecord,
    storeBy: number,
    ctx: Context,
  ): Promise<Result<boolean>> {
    const { hash } = record;
    const storing = { record, storeBy, idleMs };
    const stored = await call(objectOf(hash), "store", (object) => object.store(storing), ctx);
    if (!stored.ok) return stored;
    if (stored.value === "full")
      return failed("store.saturated", "the object has too many sessions");
    return done(stored.value === "stored");
  }

  /** Makes a place. If the user has too many, it asks first which of them have a session. */
  async function place(request: NewPlace, ctx: Context): Promise<Result<Placed>> {
    const { user } = request;
    const send = (dead?: readonly SessionHash[]) =>
      call(objectOf(user), "place", (object) => object.place({ ...request, dead }), ctx);
    const placed = await send();
    if (!placed.ok || placed.value.kind !== "full") return placed;
    const { hashes } = placed.value;
    const found = await peek(hashes, ctx);
    if (!found.ok) return found;
    const alive = new Set(found.value.map(({ hash }) => hash));
    return send(hashes.filter((hash) => !alive.has(hash)));
  }

  return {
    async create({ hash, user, replaced, revocation }, ctx) {
      const placed = await place({ hash, user, absoluteMs, maxPerUser, revocation, replaced }, ctx);
      if (!placed.ok) return placed;
      if (placed.value.kind !== "placed") return done(undefined);
      const { createdAt, endsAt, storeBy, ending } = placed.value;
      // Sessions end only for one that is stored: a sign-in that fails signs out no other device.
      const stored = await store({ hash, user, createdAt, endsAt }, storeBy, ctx);
      if (!stored.ok) return stored;
      const ended = await Promise.all([
        endPlaces(user, ending, ctx),
        replaced === undefined ? done(undefined) : endOne(replaced, undefined, ctx),
      ]);
      for (const result of ended) if (!result.ok) return result;
      return done(stored.value ? { createdAt, endsAt } : undefined);
    },

    lastRevocation: (user, ctx) =>
      call(objectOf(user), "lastRevocation", (object) => object.lastRevocation(user), ctx),

    read: (hash, ctx) => call(objectOf(hash), "read", (object) => object.read(hash, idleMs), ctx),

    async rotate({ hash: from, user }, to, ctx) {
      const placed = await call(
        objectOf(user),
        "copy",
        (object) => object.copy(user, from, to),
        ctx,
      );
      if (!placed.ok) return placed;
      if (placed.value === undefined) return done(false);
      const { createdAt, endsAt, storeBy } = placed.value;
      const stored = await store({ hash: to, user, createdAt, endsAt }, storeBy, ctx);
      if (!stored.ok || !stored.value) return stored;
      const ended = await endOne(from, user, ctx);
      if (!ended.ok) return ended;
      if (ended.value !== undefined) return done(true);
      // The old session had ended before. The new one ends too; no client knows its id.
      const taken = await endOne(to, user, ctx);
      return taken.ok ? done(false) : taken;
    },

    async list(user, ctx) {
      const places = await call(objectOf(user), "list", (object) => object.list(user), ctx);
      if (!places.ok) return places;
      const found = await peek(
        places.value.map(({ hash }) => hash),
        ctx,
      );
      if (!found.ok) return found;
      const own = found.value.filter((session) => session.user === user);
      return done(
        own
          .toSorted((a, b) => a.endsAt - b.endsAt || (a.hash < b.hash ? -1 : 1))
          .map(({ usedAt, ...record }) => ({ ...record, lastUsedAt: usedAt })),
      );
    },

    async revoke(user, hash, ctx) {
      const ended = await endOne(hash, user, ctx);
      return ended.ok ? done(ended.value !== undefined) : ended;
    },

    async revokeAll(user, ctx) {
      const name = newId();
      const places = await call(
        objectOf(user),
        "endAll",
        (object) => object.endAll(user, name),
        ctx,
      );
      return places.ok ? endPlaces(user, places.value, ctx) : places;
    },
  };
}
