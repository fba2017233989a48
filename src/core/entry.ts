import type { Policy } from "./policy.ts";
import {
  derivedInvalidationKeys,
  invalidationKeyOfTag,
  type InvalidationKey,
} from "./invalidation-key.ts";
import type { Era, Seq } from "./seq.ts";
import type { EpochMs, Millis } from "./time.ts";

/** The parts of a stored response other than its body. */
export interface HttpMeta {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** When the response had age 0. Default: when the entry was stored. */
  readonly bornAt?: EpochMs;
  /** The byte range of the representation that the body holds. Default: all of it. */
  readonly part?: { readonly first: number; readonly last: number; readonly total: number };
  /** The variants of the resource, newest first. An entry with variants is only their list: each has its own key. */
  readonly variants?: readonly Variant[];
}

/** One of several responses of a resource, with the request fields that select it (RFC 9111, section 4.1). */
export interface Variant {
  /** The key under which this response is stored. */
  readonly key: string;
  /** The fields that `Vary` names, as the request had them; null if it lacked one. */
  readonly selectors: readonly (readonly [name: string, value: string | null])[];
  readonly etag: string;
  /** The response's Content-Language, if it has one. */
  readonly language: string | null;
  readonly deleteAt: EpochMs;
}

/**
 * A stored result. Its instants are absolute, so that an entry means the same in every tier.
 *
 * @see docs/storage-schema.md for its stored form
 */
export interface Entry {
  readonly key: string;
  /** `absent` is a negative entry: the origin has nothing under this key. */
  readonly kind: "value" | "absent";
  /** JSON of a value, or the body of a response. Text stays a string, which needs no encoding to be stored. */
  readonly body: string | Uint8Array;
  readonly http?: HttpMeta;
  readonly etag: string;
  /** All of its invalidation keys: tags, the key, the prefixes of the key, the namespace. */
  readonly invalidationKeys: readonly InvalidationKey[];
  readonly storedAt: EpochMs;
  /** The end of the fresh lifetime. */
  readonly freshUntil: EpochMs;
  /** The end of stale-while-revalidate. */
  readonly staleUntil: EpochMs;
  /** The end of stale-if-error. */
  readonly errorUntil: EpochMs;
  /** When every tier deletes it. Until then the origin can still confirm it (304). */
  readonly deleteAt: EpochMs;
  /**
   * The log's number as the loader knew it BEFORE it asked the origin. The entry is invalid once
   * one of its invalidation keys has a higher number in the log.
   */
  readonly asOf: Seq;
  /** The era of the log that `asOf` belongs to. Empty if the loader never reached the log: then only its isolate's memory holds the entry. */
  readonly era: Era;
  /** How long the load took. */
  readonly loadCost: Millis;
}

/** The result of a load. */
export type LoadResult =
  | {
      readonly storable: false;
      /** Later results may be storable, so no hit-for-miss marker is set. */
      readonly oneOff?: true;
    }
  | {
      readonly storable: true;
      readonly kind: "value" | "absent";
      readonly body: string | Uint8Array;
      readonly http?: HttpMeta;
      readonly etag: string;
      /** Invalidation keys that the load found, beside the policy's tags and those derived from the key. */
      readonly invalidationKeys: readonly InvalidationKey[];
      /** The fresh lifetime that the loader set. Default: the policy's. */
      readonly freshForMs?: Millis;
      /** The lifetimes that the response states itself. Default: those of the policy. */
      readonly lifetimes?: Lifetimes;
      /** The earliest `freshUntil` of the entries that the loader read. Default: no limit. */
      readonly freshUntil?: EpochMs;
      /** The oldest log position of the entries that the loader read. Default: the load's own. */
      readonly inner?: LogPosition;
    };

/** The result of a load that may be stored. */
export type StorableResult = Extract<LoadResult, { storable: true }>;

/** The instants of an entry's life, in rising order. */
export type Lifetimes = Pick<Entry, "freshUntil" | "staleUntil" | "errorUntil" | "deleteAt">;

/** How far a reader knew the log. */
export interface LogPosition {
  readonly asOf: Seq;
  readonly era: Era;
}

/** When a load ran, and how far its isolate knew the log before it. */
export interface LoadStamp extends LogPosition {
  readonly startedAt: EpochMs;
  readonly storedAt: EpochMs;
}

/**
 * Makes the entry of a load.
 *
 * @param random in [0, 1); shortens the lifetime by up to the policy's jitter, so that entries that
 *   were loaded together do not expire together
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
    ...oldestPosition(stamp, loaded.inner),
    loadCost: stamp.storedAt - stamp.startedAt,
  };
}

function lifetimesOf(
  policy: Policy,
  loaded: StorableResult,
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
 * An entry that was made of other entries is valid only as far as the oldest of them. Positions of
 * different eras cannot be compared, so the entry gets an empty era, which is never valid.
 */
function oldestPosition(own: LogPosition, inner: LogPosition | undefined): LogPosition {
  if (inner === undefined) return { asOf: own.asOf, era: own.era };
  if (inner.era !== own.era) return { asOf: 0, era: "" };
  return { asOf: Math.min(own.asOf, inner.asOf), era: own.era };
}

/**
 * The copy of an entry that the log confirmed up to number `asOf`, so that no reader has to ask
 * again. If the log had a soft invalidation of it, the copy is stale.
 */
export function verifiedCopy(entry: Entry, asOf: Seq, soft: boolean, now: EpochMs): Entry {
  const copy = soft ? softened(entry, now) : entry;
  return asOf > copy.asOf ? { ...copy, asOf } : copy;
}

/**
 * The copy of an entry after a soft invalidation: it is stale from now on. Its stale windows keep
 * their length and begin now.
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

/**
 * The phase of an entry's life at an instant:
 * - `fresh`: it is served
 * - `revalidate`: it is served while a refresh runs (RFC 5861, section 3)
 * - `error-only`: it is served only if the origin fails (RFC 5861, section 4)
 * - `kept`: it is not served; the origin may confirm it with 304
 * - `expired`: every tier deletes it
 */
export type Freshness = "fresh" | "revalidate" | "error-only" | "kept" | "expired";

export function freshnessOf(entry: Entry, now: EpochMs): Freshness {
  if (now < entry.freshUntil) return "fresh";
  if (now < entry.staleUntil) return "revalidate";
  if (now < entry.errorUntil) return "error-only";
  return now < entry.deleteAt ? "kept" : "expired";
}

/** Measured growth of V8's heap, in bytes, beside the characters: for an entry and its node in the memory tier, and for each part. */
const ENTRY_BYTES = 420;
const BINARY_BYTES = 200;
const INVALIDATION_KEY_BYTES = 40;
const HEADER_BYTES = 72;

/** Estimates the bytes that an entry takes in memory. V8 stores a text with one byte a character if all are Latin-1, else with two. */
export function sizeOf(entry: Entry): number {
  const { body, key, etag } = entry;
  let bytes = ENTRY_BYTES + key.length + etag.length;
  bytes += typeof body === "string" ? textBytes(body) : BINARY_BYTES + body.byteLength;
  for (const name of entry.invalidationKeys) bytes += INVALIDATION_KEY_BYTES + textBytes(name);
  for (const [name, value] of entry.http?.headers ?? [])
    bytes += HEADER_BYTES + name.length + value.length;
  return bytes;
}

const textBytes = (text: string): number =>
  /[\u0100-\uffff]/.test(text) ? text.length * 2 : text.length;
