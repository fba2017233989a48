/** Faults that are planted in the code under test, to show that the simulation finds them. */
import type { SessionStore } from "../../../src/core/sessions.ts";
import { CREATE, REVOKE, REVOKE_ALL, ROTATE } from "../../../src/redis/session-scripts.ts";
import type { SessionRedisModel } from "./session-redis-model.ts";
import type { VirtualTime } from "../virtual-time.ts";

export const PLANTED = {
  "revoke-index-only": "a revocation deletes the session, and not only its place in the index",
  "revoke-all-index-only":
    "a revocation of all sessions deletes the sessions, and not only the index",
  "reads-remembered": "an isolate does not answer from its memory of a session",
  "late-answers-used": "an answer that comes after the time limit is not used",
  "sign-in-not-counted":
    "a sign-in that began before a revocation of all sessions is refused after it",
  "old-session-kept": "a sign-in ends the session of the request's cookie",
  "rotation-keeps-old": "a rotation ends the old id",
  "place-forgotten": "every session has a place in the index of its user",
  "hash-unchecked": "an answer to another read is not used",
  "end-ignored": "a session ends after its longest time, however often it is used",
  "idle-kept": "Redis forgets a session that is not used",
} as const;

export type PlantedFault = keyof typeof PLANTED | "none";

/** Plants a fault in what Redis does. */
export function withModelFault(model: SessionRedisModel, fault: PlantedFault): SessionRedisModel {
  /** Runs a script, and takes back what it did to texts. */
  function keepingTexts(body: string, keys: readonly string[], args: readonly string[]): unknown {
    const before = model.save();
    const answer = model.run(body, keys, args);
    model.load({ texts: before.texts, indexes: model.save().indexes });
    return answer;
  }

  return {
    ...model,
    getex: (key, px) => model.getex(key, fault === "idle-kept" && px !== undefined ? 1e9 : px),
    run(body, keys, args) {
      if (fault === "revoke-index-only" && body === REVOKE) return keepingTexts(body, keys, args);
      if (fault === "revoke-all-index-only" && body === REVOKE_ALL)
        return keepingTexts(body, keys, args);
      if (fault === "idle-kept" && body === CREATE)
        return model.run(body, keys, [...args.slice(0, 2), "1000000000", ...args.slice(3)]);
      if (fault === "place-forgotten" && body === CREATE) {
        const before = model.save();
        const answer = model.run(body, keys, args);
        model.load({ texts: model.save().texts, indexes: before.indexes });
        return answer;
      }
      if (fault === "rotation-keeps-old" && body === ROTATE) {
        const before = model.save();
        const answer = model.run(body, keys, args);
        const { texts, indexes } = model.save();
        model.load({ texts: new Map([...before.texts, ...texts]), indexes });
        return answer;
      }
      return model.run(body, keys, args);
    },
  };
}

const REMEMBERED_MS = 5_000;

/** Plants a fault in the store of one isolate. */
export function withStoreFault(
  store: SessionStore,
  fault: PlantedFault,
  time: VirtualTime,
): SessionStore {
  if (fault === "reads-remembered") {
    const known = new Map<
      string,
      { readonly at: number; readonly read: ReturnType<SessionStore["read"]> }
    >();
    return {
      ...store,
      read(hash, ctx) {
        const before = known.get(hash);
        if (before !== undefined && time.now() - before.at < REMEMBERED_MS) return before.read;
        const read = store.read(hash, ctx);
        known.set(hash, { at: time.now(), read });
        return read;
      },
    };
  }
  if (fault === "sign-in-not-counted")
    return {
      ...store,
      create: (session, ctx) => store.create({ ...session, revocation: undefined }, ctx),
    };
  if (fault === "old-session-kept")
    return {
      ...store,
      create: (session, ctx) => store.create({ ...session, replaced: undefined }, ctx),
    };
  if (fault === "end-ignored")
    return {
      ...store,
      async read(hash, ctx) {
        const read = await store.read(hash, ctx);
        return read.ok && read.value !== undefined
          ? { ok: true, value: { ...read.value, endsAt: Infinity } }
          : read;
      },
    };
  return store;
}
