/** What a response becomes in the cache: whether it is kept, under which names and for how long. */
import type { HttpMeta, Lifetimes, LoadResult, StorableResult } from "../../core/entry.ts";
import { MAX_TAGS, tagProblem, type InvalidationKey } from "../../core/invalidation-key.ts";
import { bornAt, lifetimeOf, type Exchange } from "../rfc/freshness.ts";
import { splitList, type FieldReader } from "../rfc/fields.ts";
import { lifetimesOf, type KeepLimits } from "../rfc/lifetimes.ts";
import { groupsOf } from "../rfc/invalidation.ts";
import { controlOf, type ResponseControl } from "../rfc/response-control.ts";
import { cacheabilityOf, type Cacheability } from "../rfc/cacheability.ts";
import { storedFields } from "../rfc/stored-fields.ts";
import { readerOf } from "../rfc/field-reader.ts";

/** The head of a response that came for a request, with the times of their exchange. */
export interface Head extends Exchange {
  readonly status: number;
  /** Fields as they came, those of the connection included. */
  readonly sent: FieldReader;
  readonly fields: Iterable<readonly [string, string]>;
}

export interface StorageDecision {
  readonly storing: Cacheability;
  /** The response itself says how long it is fresh. */
  readonly explicit: boolean;
  readonly control: ResponseControl;
  readonly fields: [string, string][];
  readonly lifetimes: Lifetimes;
  readonly meta: Required<Pick<HttpMeta, "bornAt">>;
  readonly etag: string;
  readonly members: readonly InvalidationKey[];
}

/** All that the rules say of a response before its body is there. */
export function decideStorage(
  request: FieldReader,
  head: Head,
  scope: string,
  limits: KeepLimits,
): StorageDecision {
  const received = readerOf([...head.fields].map(([name, value]) => [name.toLowerCase(), value]));
  const control = controlOf(received);
  const lifetime = lifetimeOf(head.status, received, control, head.respondedAt);
  const born = bornAt(received, head);
  return {
    storing: cacheabilityOf(request, head.status, received, control, lifetime),
    explicit: lifetime.kind === "explicit",
    control,
    fields: storedFields(head.fields, head.sent, control),
    lifetimes: lifetimesOf(lifetime, control, received, born, head.respondedAt, limits),
    meta: { bornAt: born },
    etag: received.get("ETag") ?? "",
    members: membersOf(received, scope),
  };
}

/** The material of an entry. */
export function entryMaterial(
  verdict: StorageDecision,
  status: number,
  body: string | Uint8Array,
  more: { readonly members?: readonly InvalidationKey[]; readonly part?: HttpMeta["part"] } = {},
): StorableResult {
  const { fields, lifetimes, meta, etag, members } = verdict;
  return {
    storable: true,
    kind: status === 404 || status === 410 ? "absent" : "value",
    body,
    http: { status, headers: fields, ...meta, ...(more.part && { part: more.part }) },
    etag,
    invalidationKeys: [...members, ...(more.members ?? [])],
    lifetimes,
  };
}

/** Nothing to keep, which says nothing of other requests for the same key. */
export const NOT_STORED: LoadResult = { storable: false, passing: true };
/** Nothing to keep, and so it will be for the next ones. */
export const UNCACHEABLE: LoadResult = { storable: false };

/** Reasons that lie in the request: another one's response may be stored all the same. */
export function unstorable(reason: Cacheability, request: FieldReader): LoadResult {
  const own =
    reason === "authorization" || reason === "status" || request.get("Cache-Control") !== null;
  return own ? NOT_STORED : UNCACHEABLE;
}

/** The tags a response names: surrogate keys as they are, groups within their origin (RFC 9875, 2). */
function membersOf(headers: FieldReader, scope: string): InvalidationKey[] {
  const tags = [
    ...(headers.get("Surrogate-Key") ?? "").split(/[ ,\t]+/),
    ...splitList(headers.get("Cache-Tag") ?? ""),
    ...groupsOf(headers.get("Cache-Groups")).map((group) => groupTag(scope, group)),
  ];
  const usable = tags.filter((tag) => tagProblem(tag) === undefined);
  return [...new Set(usable)].slice(0, MAX_TAGS).map((tag): InvalidationKey => `t:${tag}`);
}

export function groupTag(scope: string, group: string): string {
  return `group ${scope} ${group}`;
}
