import type { Policy } from "./policy.ts";
import {
  derivedInvalidationKeys,
  invalidationKeyOfTag,
  type InvalidationKey,
} from "./invalidation-key.ts";
import type { Era, Seq } from "./seq.ts";
import type { EpochMs, Millis } from "./time.ts";

/** What is kept of a response beside its body. */
export interface HttpMeta {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** When its age was 0; when it was stored, where undefined. */
  readonly bornAt?: EpochMs;
  /** The bytes of the representation that the body holds; all of them where undefined. */
  readonly part?: { readonly first: number; readonly last: number; readonly total: number };
  /** Responses that are stored under keys of their own, newest first; such an entry is only their list. */
  readonly variants?: readonly Variant[];
}

/** One of several responses of a key, with what selects it: fields of the request as it had them. */
export interface Variant {
  readonly key: string;
  readonly selectors: readonly (readonly [name: string, value: string | null])[];
  readonly etag: string;
  /** The language of the response, if it has one. */
  readonly language: string | null;
  readonly deleteAt: EpochMs;
}

/** A stored value. Instants are absolute, so that every tier and every clock reads them alike. */
export interface Entry {
  readonly key: string;
  /** `absent`: the origin said that there is nothing. */
  readonly kind: "value" | "absent";
  /** JSON for data, the body for a response. Text where it is text: text costs nothing to store. */
  readonly body: string | Uint8Array;
  readonly http?: HttpMeta;
  readonly etag: string;
  /** Every name by which it can be invalidated, the derived ones included. */
  readonly invalidationKeys: readonly InvalidationKey[];
  readonly storedAt: EpochMs;
  /** Served without question until then. */
  readonly freshUntil: EpochMs;
  /** Served while a refresh runs until then. */
  readonly staleUntil: EpochMs;
  /** Served when the origin fails until then. */
  readonly errorUntil: EpochMs;
  /** Kept until then, if only to be confirmed by the origin; no tier keeps it longer. */
  readonly deleteAt: EpochMs;
  /** What the loader knew of the log BEFORE it began to read the origin. */
  readonly asOf: Seq;
  /** Empty if the loader had never reached the log; such an entry stays in its isolate. */
  readonly era: Era;
  /** What the load took. */
  readonly loadCost: Millis;
}

/** What a load gives. */
export type LoadResult =
  | {
      readonly storable: false;
      /** Says nothing about later results of the key, so the engine sets no hit-for-miss marker. */
      readonly oneOff?: true;
    }
  | {
      readonly storable: true;
      readonly kind: "value" | "absent";
      readonly body: string | Uint8Array;
      readonly http?: HttpMeta;
      readonly etag: string;
      /** Names found in the result, beside the policy's own tags. */
      readonly members: readonly InvalidationKey[];
      /** The load's own fresh lifetime; the policy's where undefined. */
      readonly freshForMs?: Millis;
      /** Where the result says itself how long it lives; the policy's lifetimes where undefined. */
      readonly lifetimes?: Lifetimes;
      /** The earliest end of what went into it; the policy's own lifetime where undefined. */
      readonly freshUntil?: EpochMs;
      /** The log's number and era of the oldest thing in it; the leader's own where undefined. */
      readonly inner?: LogPosition;
    };

/** What a load gives that may be stored. */
export type StorableResult = Extract<LoadResult, { storable: true }>;

/** The instants of an entry's life, in rising order. */
export type Lifetimes = Pick<Entry, "freshUntil" | "staleUntil" | "errorUntil" | "deleteAt">;

/** What was known of the log at one moment. */
export interface LogPosition {
  readonly asOf: Seq;
  readonly era: Era;
}

export interface LoadStamp extends LogPosition {
  readonly startedAt: EpochMs;
  readonly storedAt: EpochMs;
}

/** Makes the entry of a load. `random` in [0, 1) spreads lifetimes apart. */
export function createEntry(
  key: string,
  policy: Policy,
  loaded: StorableResult,
  moment: LoadStamp,
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
        ...loaded.members,
      ]),
    ],
    storedAt: moment.storedAt,
    ...lifetimesOf(policy, loaded, moment.storedAt, random),
    ...combine(moment, loaded.inner),
    loadCost: moment.storedAt - moment.startedAt,
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

/** An outer entry is as old as the oldest thing in it; two eras in one make it unusable. */
function combine(own: LoadStamp, inner: LogPosition | undefined) {
  if (inner === undefined) return { asOf: own.asOf, era: own.era };
  if (inner.era !== own.era) return { asOf: 0, era: "" };
  return { asOf: Math.min(own.asOf, inner.asOf), era: own.era };
}

/**
 * The copy of an entry that was found valid at number `asOf`: it need not be
 * asked about again. A soft invalidation that was found becomes part of it.
 */
export function verifiedCopy(entry: Entry, asOf: Seq, soft: boolean, now: EpochMs): Entry {
  const copy = soft ? softened(entry, now) : entry;
  return asOf > copy.asOf ? { ...copy, asOf } : copy;
}

/**
 * The copy of an entry that was invalidated softly: no longer fresh from now on,
 * and then stale for as long as it would have been after its time.
 */
export function softened(entry: Entry, now: EpochMs): Entry {
  const earlier = entry.freshUntil - now;
  if (earlier <= 0) return entry;
  const { staleUntil, errorUntil } = entry;
  return {
    ...entry,
    freshUntil: now,
    staleUntil: staleUntil - earlier,
    errorUntil: errorUntil - earlier,
  };
}

/** Where `now` lies in the life of an entry. */
export type Freshness = "fresh" | "revalidate" | "error-only" | "kept" | "expired";

export function freshnessOf(entry: Entry, now: EpochMs): Freshness {
  if (now < entry.freshUntil) return "fresh";
  if (now < entry.staleUntil) return "revalidate";
  if (now < entry.errorUntil) return "error-only";
  return now < entry.deleteAt ? "kept" : "expired";
}

/** Bytes beside the characters, as V8's heap grows by them: of an entry with its place in the tier, and of its parts. */
const ENTRY_BYTES = 420;
const BINARY_BYTES = 200;
const MEMBER_BYTES = 40;
const HEADER_BYTES = 72;

/** Bytes an entry takes in memory, near enough: V8 takes one a character where all are Latin-1, else two. */
export function sizeOf(entry: Entry): number {
  const { body, key, etag } = entry;
  let bytes = ENTRY_BYTES + key.length + etag.length;
  bytes += typeof body === "string" ? textBytes(body) : BINARY_BYTES + body.byteLength;
  for (const member of entry.invalidationKeys) bytes += MEMBER_BYTES + textBytes(member);
  for (const [name, value] of entry.http?.headers ?? [])
    bytes += HEADER_BYTES + name.length + value.length;
  return bytes;
}

const textBytes = (text: string): number =>
  /[\u0100-\uffff]/.test(text) ? text.length * 2 : text.length;
