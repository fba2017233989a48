/**
 * Decides whether a response may be stored, and for how long (RFC 9111, 3). Routes
 * and the proxy ask no other module. `decideStorage` applies the RFC; the refusal
 * functions say what follows from it for the proxy and for a route.
 */
import type { HttpMeta, Lifetimes, LoadResult, StorableResult } from "../../core/entry.ts";
import type { UnstoredReason } from "../../core/key-notes.ts";
import { MAX_ENTRY_KEYS, type InvalidationKey } from "../../core/invalidation-key.ts";
import {
  cacheabilityOf,
  isDenial,
  isProvokable,
  OF_ONE_REQUEST,
  prohibitionOf,
  type Cacheability,
  type Prohibition,
} from "../rfc/cacheability.ts";
import { readerOf, type FieldReader } from "../rfc/fields.ts";
import { bornAt, lifetimeOf, type ExchangeTimes } from "../rfc/freshness.ts";
import { lifetimesOf, type LifetimeLimits } from "../rfc/lifetimes.ts";
import { responseControlOf, type ResponseControl } from "../rfc/response-control.ts";
import { storedFields } from "../rfc/stored-fields.ts";
import { invalidationKeysIn } from "./response-tags.ts";
import { hasCredentials, type SharingRules } from "./sharing-rules.ts";

/** The head of a response, with the times of its exchange. */
export interface ResponseHead extends ExchangeTimes {
  readonly status: number;
  /** The fields as they arrived, those of the connection included. */
  readonly sent: FieldReader;
  readonly fields: Iterable<readonly [string, string]>;
}

export interface StorageDecision {
  /** `store`, or the reason why the response is not stored. `tags`: it has more than one entry can carry. */
  readonly cacheability: Cacheability | "tags";
  /** What the response itself says against sharing it, whoever asked. */
  readonly prohibition: Prohibition | undefined;
  /** True if the response itself states how long it is fresh. */
  readonly explicit: boolean;
  readonly control: ResponseControl;
  /** The fields to store, names in lower case. */
  readonly fields: [string, string][];
  readonly lifetimes: Lifetimes;
  readonly meta: Required<Pick<HttpMeta, "bornAt">>;
  /** Empty if the response has no entity tag. */
  readonly etag: string;
  /** The tags that the response's own fields name. */
  readonly tags: readonly InvalidationKey[];
}

/** Applies the rules to a response whose body has not arrived yet. `scope` is the origin that owns its cache groups. */
export function decideStorage(
  request: FieldReader,
  head: ResponseHead,
  scope: string,
  limits: LifetimeLimits,
  sharing: SharingRules,
): StorageDecision {
  const received = readerOf([...head.fields].map(([name, value]) => [name.toLowerCase(), value]));
  const control = responseControlOf(received);
  const lifetime = lifetimeOf(head.status, received, control, head.respondedAt);
  const born = bornAt(received, head);
  const tags = invalidationKeysIn(received, scope);
  const cacheability = cacheabilityOf(request, head.status, received, control, lifetime, sharing);
  const isStorable = cacheability === "store" || cacheability === "silent";
  return {
    // An entry without one of its tags could not be purged by it.
    cacheability: isStorable && tags.length > MAX_ENTRY_KEYS ? "tags" : cacheability,
    prohibition: prohibitionOf(head.status, received, control),
    explicit: lifetime.kind === "explicit",
    control,
    fields: storedFields(head.fields, head.sent, fieldsForOne(control, sharing)),
    lifetimes: lifetimesOf(lifetime, control, received, born, head.respondedAt, limits),
    meta: { bornAt: born },
    etag: received.get("ETag") ?? "",
    tags,
  };
}

/**
 * The result of a load that stores nothing under its key, and says nothing about
 * later results of that key. The engine sets no hit-for-miss marker.
 */
export const NOT_STORED: LoadResult = { storable: false, oneOff: true };

/**
 * The result of a load that stores nothing, as later loads of the key probably will
 * not either. The engine sets a hit-for-miss marker.
 */
export const HIT_FOR_MISS: LoadResult = { storable: false };

/** `HIT_FOR_MISS` with the reason for operators, and the part of the request that made the response private. */
export function hitForMiss(why: UnstoredReason, part?: string): LoadResult {
  return { storable: false, why, ...(part !== undefined && { part }) };
}

/** `NOT_STORED` with the reason for operators. */
export function notStored(why: UnstoredReason): LoadResult {
  return { storable: false, oneOff: true, why };
}

/** Undefined if the proxy may store the response; otherwise the result of the load. */
export function refusalOf(
  { cacheability }: StorageDecision,
  request: FieldReader,
  sharing: SharingRules,
): LoadResult | undefined {
  if (cacheability === "store") return undefined;
  // The reason may lie in this request alone: the response to another one may be stored.
  if (cacheability === "status" || cacheability === "request") return notStored(cacheability);
  // The response to a request without credentials may be stored. Then the marker is for this kind of request.
  return { ...hitForMiss(cacheability), ...(hasCredentials(request, sharing) && { ofKind: true }) };
}

const OF_REQUEST: ReadonlySet<StorageDecision["cacheability"]> = new Set([
  "authorization",
  "request",
  "status",
]);

/**
 * Whether this response, which may not be stored, ends a stale one of the same URI: the resource
 * is not what it was, and is not shared any more. An error status does not say so. The response
 * to a request with credentials says nothing about other requests, unless it forbids sharing and
 * answers a refresh, which is made for all clients.
 */
export function endsStale(
  { cacheability, prohibition }: StorageDecision,
  request: FieldReader,
  status: number,
  sharing: SharingRules,
  isRefresh: boolean,
): boolean {
  if (isProvokable(status)) return false;
  if (isRefresh && prohibition !== undefined) return true;
  if (hasCredentials(request, sharing)) return false;
  return isDenial(status) || (cacheability !== "store" && !OF_REQUEST.has(cacheability));
}

/** The fields that go only to the client whose request brought the response, in lower case. */
export function fieldsForOne(
  { private: names }: ResponseControl,
  { storesCookies }: SharingRules,
): readonly string[] {
  // RFC 9111, 5.2.2.7.
  const named = names === undefined || names === true ? [] : names;
  return storesCookies ? named : [...named, "set-cookie"];
}

/**
 * Whether the response may be stored and states its own freshness. A route's 5xx and
 * the answer to a POST (RFC 9110, 9.3.3) are stored only then.
 */
export function isExplicitlyStorable({ cacheability, explicit }: StorageDecision): boolean {
  return cacheability === "store" && explicit;
}

/** Statuses that a route's policy gives a lifetime. 404 and 410 become negative entries. */
const STORED_BY_POLICY = new Set([200, 203, 301, 308, 404, 410]);

/**
 * Undefined if a route may store its handler's response; otherwise the result of
 * the load. The response's own directives count first, and the route's policy where
 * they are silent.
 */
export function routeRefusalOf(
  response: Response,
  { cacheability, explicit, control }: StorageDecision,
): LoadResult | undefined {
  const { status, headers } = response;
  if (headers.has("Set-Cookie")) return hitForMiss("cookie");
  if (control.noCache === true) return hitForMiss("no-cache");
  switch (cacheability) {
    case "private":
    case "varies":
    case "no-store":
    case "tags":
      return hitForMiss(cacheability);
    case "authorization":
    case "request":
      return notStored(cacheability);
    case "store":
    case "silent":
    case "cookie":
    case "status":
      if (!explicit && !STORED_BY_POLICY.has(status)) return hitForMiss("status");
      // The handler made a part for the range of one request.
      return status === 206 || OF_ONE_REQUEST.has(status) ? notStored("status") : undefined;
  }
}

/** The load result that stores a proxied response. `part` says which bytes `body` has if it lacks some. */
export function storableResult(
  { fields, lifetimes, meta, etag, tags }: StorageDecision,
  status: number,
  body: string | Uint8Array,
  part?: HttpMeta["part"],
): StorableResult {
  return {
    storable: true,
    kind: isNegative(status) ? "absent" : "value",
    body,
    http: { status, headers: fields, ...meta, ...(part && { part }) },
    etag,
    invalidationKeys: tags,
    lifetimes,
  };
}

/** Whether a response says that the origin has nothing under its URI. */
export function isNegative(status: number): boolean {
  return status === 404 || status === 410;
}
