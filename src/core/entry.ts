import type { Policy } from "./policy.ts";
import {
  derivedInvalidationKeys,
  invalidationKeyOfTag,
  type InvalidationKey,
} from "./invalidation-key.ts";
import type { UnstoredReason } from "./key-notes.ts";
import type { Era, Seq } from "./seq.ts";
import type { EpochMs, Millis } from "./time.ts";

/** The parts of a stored response other than its body. */
export interface HttpMeta {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The instant at which the response had age 0. Default: the instant at which the entry was stored. */
  readonly bornAt?: EpochMs;
  /** The byte range of the representation that the body holds. Default: the whole representation. */
  readonly part?: { readonly first: number; readonly last: number; readonly total: number };
  /**
   * The variants of the resource, newest first. An entry with variants has no response of its own:
   * each variant has its own key.
   */
  readonly variants?: readonly Variant[];
}

/** One of several responses of a resource, with the request fields that select it (RFC 9111, section 4.1). */
export interface Variant {
  /** The key under which this response is stored. */
  readonly key: string;
  /** The values of the request fields that `Vary` names. A value is null if the request lacked the field. */
  readonly selectors: readonly (readonly [name: string, value: string | null])[];
  readonly etag: string;
  /** The response's Content-Language. Null if it has none. */
  readonly language: string | null;
  /** The response's Content-Encoding, if it has one; undefined in lists of older versions. */
  readonly encoding?: string | null;
  readonly deleteAt: EpochMs;
}

/**
 * A stored result. Its instants are absolute, so that they are the same in every tier.
 *
 * @see docs/storage-schema.md for its stored form
 */
export interface Entry {
  readonly key: string;
  /** The kind of result. `absent` is a negative entry: the origin has nothing under this key. */
  readonly kind: "value" | "absent";
  /**
   * The JSON of a value, or the body of a response. A text stays a string, so that it is stored
   * without encoding.
   */
  readonly body: string | Uint8Array;
  readonly http?: HttpMeta;
  readonly etag: string;
  /** All invalidation keys of the entry: tags, the key, the prefixes of the key, and the namespace. */
  readonly invalidationKeys: readonly InvalidationKey[];
  readonly storedAt: EpochMs;
  /** The end of the fresh lifetime. */
  readonly freshUntil: EpochMs;
  /** The end of the time for stale-while-revalidate. */
  readonly staleUntil: EpochMs;
  /** The end of the time for stale-if-error. */
  readonly errorUntil: EpochMs;
  /** The instant at which every tier deletes the entry. Until then, the origin can confirm the entry (304). */
  readonly deleteAt: EpochMs;
  /**
   * The newest number of the log that the loader knew BEFORE it asked the origin. The entry becomes
   * invalid when one of its invalidation keys gets a higher number in the log.
   */
  readonly asOf: Seq;
  /**
   * The era of the log that `asOf` belongs to. It is empty if the isolate never reached the log
   * before the load. Then only the memory of that isolate holds the entry.
   */
  readonly era: Era;
  /** The duration of the load. */
  readonly loadCost: Millis;
  /**
   * The instant at which the oldest of the values that the loader read from the cache was current,
   * if that was before the load began.
   */
  readonly currentAt?: EpochMs;
  /**
   * Set if the lifetimes are those of a policy, and not those that a loader or a response stated. A
   * policy that is shorter at the read then shortens them.
   */
  readonly ofPolicy?: true;
}

/** Returns an instant at which the entry was current: the start of its load, or earlier if the loader read older values. */
export function currentAtOf({ storedAt, loadCost, currentAt }: Entry): EpochMs {
  return currentAt ?? storedAt - loadCost;
}

/** The result of a load. */
export type LoadResult =
  | {
      readonly storable: false;
      /** Set if later results may be storable. Then no hit-for-miss marker is set. */
      readonly oneOff?: true;
      /** Only results of this kind of request cannot be stored: the hit-for-miss marker is for that kind. */
      readonly ofKind?: true;
      /** Why it may not be stored, for operators. */
      readonly why?: UnstoredReason;
      /** The part of the request that the handler read, if that is why. */
      readonly part?: string;
      /** Set if the loader read a value that was marked `unreachable`. */
      readonly unreachable?: true;
      /** Set if the loader read a value that was marked `unconfirmed`. */
      readonly unconfirmed?: true;
      /** The oldest instant at which a value that the loader read was current. Default: the start of the load. */
      readonly currentAt?: EpochMs;
    }
  | {
      readonly storable: true;
      readonly kind: "value" | "absent";
      readonly body: string | Uint8Array;
      readonly http?: HttpMeta;
      readonly etag: string;
      /**
       * The invalidation keys that the load found. The tags of the policy and the keys derived from
       * the entry's key are not among them.
       */
      readonly invalidationKeys: readonly InvalidationKey[];
      /** The fresh lifetime that the loader set. Default: the fresh lifetime of the policy. */
      readonly freshForMs?: Millis;
      /** The lifetimes that the response itself states. Default: the lifetimes of the policy. */
      readonly lifetimes?: Lifetimes;
      /** The earliest `freshUntil` of the entries that the loader read. Default: no limit. */
      readonly freshUntil?: EpochMs;
      /** The oldest log position of the entries that the loader read. Default: the log position of the load. */
      readonly inner?: LogPosition;
      /** The oldest instant at which a value that the loader read was current. Default: the start of the load. */
      readonly currentAt?: EpochMs;
    };

/** The result of a load, if it may be stored. */
export type StorableResult = Extract<LoadResult, { storable: true }>;

/** The instants at which the phases of an entry's life end, in ascending order. */
export type Lifetimes = Pick<Entry, "freshUntil" | "staleUntil" | "errorUntil" | "deleteAt">;

/** The newest number and the era of the log that an isolate knew. */
export interface LogPosition {
  /** The number up to which the isolate knew the log. */
  readonly asOf: Seq;
  /** The random name of one life of the log. */
  readonly era: Era;
}

/** The fields of an entry that are needed for its validation. */
export type Dated = Pick<Entry, "invalidationKeys" | "asOf" | "era">;

/** The time of a load, and the log position of its isolate before the load. */
export interface LoadStamp extends LogPosition {
  readonly startedAt: EpochMs;
  readonly storedAt: EpochMs;
}

/**
 * Creates the entry for the result of a load.
 *
 * @param random a number in [0, 1). It shortens the lifetime by at most the policy's jitter, so
 *   that entries that were loaded together do not expire together.
 */
export function createEntry(
  key: string,
  policy: Policy,
  loaded: StorableResult,
  stamp: LoadStamp,
  random: number,
): Entry {
  return {
    key,
    kind: loaded.kind,
    body: loaded.body,
    ...(loaded.http && { http: loaded.http }),
    etag: loaded.etag,
    invalidationKeys: [
      ...new Set([
        ...derivedInvalidationKeys(key),
        ...policy.tags.map(invalidationKeyOfTag),
        ...loaded.invalidationKeys,
      ]),
    ],
    storedAt: stamp.storedAt,
    ...lifetimesOf(policy, loaded, stamp.storedAt, random),
    ...olderPosition(stamp, loaded.inner),
    loadCost: stamp.storedAt - stamp.startedAt,
    ...(loaded.currentAt !== undefined &&
      loaded.currentAt < stamp.startedAt && { currentAt: loaded.currentAt }),
    ...(loaded.freshForMs === undefined && loaded.lifetimes === undefined && { ofPolicy: true }),
  };
}

/**
 * Returns the entry as a read with this policy sees it. If the policy is shorter than the one that the
 * entry was stored under, the phases of the entry end earlier. A longer policy changes nothing.
 */
export function underPolicy(entry: Entry, policy: Policy): Entry {
  if (entry.ofPolicy === undefined) return entry;
  const { freshUntil, staleUntil, errorUntil } = entry;
  const freshForMs = entry.kind === "absent" ? policy.negativeForMs : policy.freshForMs;
  const fresh = Math.min(freshUntil, entry.storedAt + freshForMs);
  const stale = Math.min(staleUntil, fresh + policy.staleWhileRevalidateMs);
  const error = Math.min(errorUntil, Math.max(stale, fresh + policy.staleIfErrorMs));
  if (fresh === freshUntil && stale === staleUntil && error === errorUntil) return entry;
  return { ...entry, freshUntil: fresh, staleUntil: stale, errorUntil: error };
}

/**
 * Whether a result was made of values that were stale already. Such a result answers the readers
 * that waited for it, and is not stored.
 */
export function isMomentary(loaded: LoadResult, { storedAt }: LoadStamp): boolean {
  return loaded.storable && (loaded.freshUntil ?? Infinity) <= storedAt;
}

/** Returns the lifetimes of a result that is stored at `now` under a policy. */
export function lifetimesOf(
  policy: Policy,
  loaded: Pick<StorableResult, "kind" | "freshForMs" | "lifetimes" | "freshUntil">,
  now: EpochMs,
  random: number,
): Lifetimes {
  const latest = loaded.freshUntil ?? Infinity;
  if (loaded.lifetimes !== undefined)
    return { ...loaded.lifetimes, freshUntil: Math.min(loaded.lifetimes.freshUntil, latest) };
  const policyMs = loaded.kind === "absent" ? policy.negativeForMs : policy.freshForMs;
  const until = now + (loaded.freshForMs ?? policyMs) * (1 - policy.jitter * random);
  const freshUntil = Math.floor(Math.min(until, latest));
  const staleUntil = freshUntil + policy.staleWhileRevalidateMs;
  const errorUntil = Math.max(staleUntil, freshUntil + policy.staleIfErrorMs);
  return { freshUntil, staleUntil, errorUntil, deleteAt: errorUntil };
}

/**
 * Returns the older of two log positions, for an entry that was made from other entries. Positions of
 * different eras cannot be compared, so the entry then gets an empty era, which is never valid.
 */
export function olderPosition(a: LogPosition, b: LogPosition = a): LogPosition {
  return a.era === b.era ? { asOf: Math.min(a.asOf, b.asOf), era: a.era } : { asOf: 0, era: "" };
}

/**
 * Returns the copy of an entry that the log has confirmed up to the number `asOf`, so that later
 * lookups need not ask the log. The copy is stale if the log had a soft invalidation of the entry.
 */
export function verifiedCopy(entry: Entry, asOf: Seq, soft: boolean, now: EpochMs): Entry {
  const copy = soft ? softened(entry, now) : entry;
  return asOf > copy.asOf ? { ...copy, asOf } : copy;
}

/**
 * Returns the copy of an entry after a soft invalidation. The copy is stale from `now` on. Its
 * stale windows begin at `now` and keep their length.
 */
export function softened(entry: Entry, now: EpochMs): Entry {
  const shiftMs = entry.freshUntil - now;
  if (shiftMs <= 0) return entry;
  const { staleUntil, errorUntil } = entry;
  return {
    ...entry,
    freshUntil: now,
    staleUntil: staleUntil - shiftMs,
    errorUntil: errorUntil - shiftMs,
  };
}

/** Returns the copy of an entry that may answer only if the load fails, for as long as a stale one might. */
export function errorOnlyCopy(entry: Entry, now: EpochMs): Entry {
  const copy = softened(entry, now);
  return copy.staleUntil <= now ? copy : { ...copy, staleUntil: now };
}

/**
 * The phase of an entry's life at an instant.
 * - `fresh`: it is served
 * - `revalidate`: it is served while a refresh runs (RFC 5861, section 3)
 * - `error-only`: it is served only if the origin fails (RFC 5861, section 4)
 * - `kept`: it is not served, but the origin may confirm it with 304
 * - `expired`: every tier deletes it
 */
export type Freshness = "fresh" | "revalidate" | "error-only" | "kept" | "expired";

export function freshnessOf(entry: Entry, now: EpochMs): Freshness {
  if (now < entry.freshUntil) return "fresh";
  if (now < entry.staleUntil) return "revalidate";
  if (now < entry.errorUntil) return "error-only";
  return now < entry.deleteAt ? "kept" : "expired";
}
