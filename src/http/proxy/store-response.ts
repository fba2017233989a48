/** Stores a new response of the origin if the rules allow it, or relays it. */
import { createEntry, type Entry, type LoadResult, type StorableResult } from "../../core/entry.ts";
import { rawResponse } from "../cache/raw-response.ts";
import {
  decideStorage,
  hitForMiss,
  NOT_STORED,
  endsStale,
  fieldsForOne,
  refusalOf,
  storableResult,
  type StorageDecision,
} from "../cache/storage-decision.ts";
import { notModifiedFor } from "../cache/serve.ts";
import { storeVariant } from "../cache/store-variant.ts";
import { textOf } from "../cache/text-bytes.ts";
import { readerOf } from "../rfc/fields.ts";
import { parseContentRange, parseRange, type Part } from "../rfc/range.ts";
import { privateFields, updateFields } from "../rfc/stored-fields.ts";
import { selectingNames, selectorsOf } from "../rfc/vary.ts";
import type { Arrival } from "./arrivals.ts";
import { collectBody, isAwaited, relay, type SharedBody } from "./collect-body.ts";
import type { OriginResponse } from "./forward.ts";
import type { OriginRequest } from "./origin-request.ts";
import { joinWithStored, PART_FIELDS } from "./partial-content.ts";
import type { OriginLoad } from "./proxied-request.ts";

/** Undefined if the response is of no use for what was asked. */
export async function storeResponse(
  load: OriginLoad,
  received: OriginResponse,
  asked: OriginRequest,
  stored: Entry | undefined,
): Promise<LoadResult | undefined> {
  const { options, proxied, result } = load;
  const { status, headers } = received;
  const decision = decide(load, received, status, headers);
  const part = status === 206 ? partIn(headers) : undefined;
  const isUnknownPart = status === 206 && part === undefined;
  const refusal = isUnknownPart
    ? NOT_STORED
    : refusalOf(decision, proxied.request.headers, options.sharing);
  if (refusal !== undefined) {
    if (refusal.storable || refusal.oneOff !== true) markUnfillable(load);
    // RFC 9111, 3.3: the missing rest alone is no answer to the client's request.
    if (asked.kind === "complete" && status === 206) return undefined;
    if (stored !== undefined && !isUnknownPart && mayEnd(load, decision, status, stored))
      endStored(load, stored);
    if (status === 200 && isPartOfFill(load, asked)) {
      await received.body?.cancel();
      result.lacksPart = true;
    } else result.response = responseForClient(load, received, asked);
    return refusal;
  }
  result.forwarded = { fwd: load.reason, status, storable: true };
  result.privateFields = privateFields(headers, fieldsForOne(decision.control, options.sharing));
  const bodiless = bodilessResponse(load, received, asked);
  // The client's answer does not wait for a long body that it does not get.
  if (bodiless !== undefined && !isAwaited(headers)) result.streaming?.resolve(bodiless);
  const isStreamed =
    bodiless === undefined && asked.kind !== "complete" && !isPartOfFill(load, asked);
  const bytes = await collectBody(received, {
    limit: options.maxBodyBytes,
    budget: options.bodiesInFlight,
    ctx: proxied.ctx,
    startStreaming: isStreamed ? result.streaming?.resolve : undefined,
    onStreaming: (body) => announce(load, decision, status, body),
    whenStored: () => result.whenStored(),
  });
  if (bytes === undefined) {
    markUnfillable(load);
    // The missing rest, which could not be kept, is no answer.
    if (asked.kind === "complete") return undefined;
    if (bodiless !== undefined) result.response = bodiless;
    else if (isPartOfFill(load, asked)) result.lacksPart = true;
    return hitForMiss("body");
  }
  if (part !== undefined)
    return storePart(load, received, decision, { part, bytes }, asked, stored);
  return storeResult(load, storableResult(decision, status, textOf(bytes) ?? bytes));
}

function markUnfillable({ options, proxied }: OriginLoad): void {
  options.fillMarkers.add(proxied.primary, proxied.kindOf(), proxied.ctx.now());
}

/** Whether the client wants a part, and the origin was asked for the whole. */
function isPartOfFill({ proxied, result }: OriginLoad, { kind }: OriginRequest): boolean {
  return kind === "fill" && result.streaming !== undefined && wantsPart(proxied.request);
}

function wantsPart({ method, headers }: Request): boolean {
  return method === "GET" && parseRange(headers.get("Range")) !== undefined;
}

/** The response for a client that gets no body: it sent HEAD, or has the response already. Undefined for any other. */
function bodilessResponse(
  { proxied, options }: OriginLoad,
  { status, statusText, headers, respondedAt }: OriginResponse,
  { kind, method }: OriginRequest,
): Response | undefined {
  const { request } = proxied;
  // RFC 9111, 4.3.2: the origin has not evaluated the client's condition.
  if (options.sharing.fillsFromWhole && kind !== "plain" && status === 200) {
    const notModified = notModifiedFor(request, headers, respondedAt);
    if (notModified !== undefined) return notModified;
  }
  return request.method === "HEAD" && method === "GET"
    ? rawResponse(null, status, headers, statusText)
    : undefined;
}

/** The origin's response for the client alone. */
export function responseForClient(
  load: OriginLoad,
  received: OriginResponse,
  asked: OriginRequest,
): Response {
  const bodiless = bodilessResponse(load, received, asked);
  if (bodiless === undefined) return relay(received);
  if (received.body !== null) load.proxied.ctx.defer(received.body.cancel());
  return bodiless;
}

/** The part that a 206 has; undefined if it has several (RFC 9110, 15.3.7.2), or says not which. */
function partIn(headers: Headers): Part | undefined {
  const isMultipart = /^[ \t]*multipart\/byteranges/i.test(headers.get("Content-Type") ?? "");
  return isMultipart ? undefined : parseContentRange(headers.get("Content-Range"));
}

/** A fresh stored response stays: an unstorable one does not displace it. */
function mayEnd(
  { options, proxied, result }: OriginLoad,
  decision: StorageDecision,
  status: number,
  stored: Entry,
): boolean {
  const { request, ctx } = proxied;
  if (ctx.now() < stored.freshUntil) return false;
  // A refresh has no client of its own: what forbids sharing holds for all.
  const isRefresh = result.streaming === undefined;
  return endsStale(decision, request.headers, status, options.sharing, isRefresh);
}

/** Deletes a stored response, also where another isolate holds it: it is nobody's answer any more. */
export function endStored({ options, proxied }: OriginLoad, stored: Entry): void {
  const { engine, invalidate } = options;
  engine.discard(stored, proxied.ctx);
  proxied.ctx.defer(invalidate([`k:${stored.key}`], proxied.ctx));
}

/** Lets further clients join a response that answers every plain GET of its resource. */
function announce(
  { options, proxied, target, began, result }: OriginLoad,
  decision: StorageDecision,
  status: number,
  { ended, join }: SharedBody,
): void {
  const isPersonal = (result.privateFields ?? []).length > 0;
  if (status !== 200 || isPersonal || proxied.request.method !== "GET") return;
  const { key, primary, request } = target;
  const { tags } = decision;
  const storable = storableResult({ ...decision, tags: [...tags, `k:${primary}`] }, status, "");
  const stamp = { ...began, storedAt: proxied.ctx.now() };
  const head = createEntry(key, options.policy, storable, stamp, 0);
  const vary = readerOf(decision.fields).get("Vary");
  const selectors = selectorsOf(selectingNames(vary), request);
  const arrival: Arrival = { head, selectors, since: began.startedAt, join };
  options.arrivals.announce(key, arrival, ended);
}

/** Stores a part, joined with the stored part if both belong to the same representation (RFC 9111, 3.4). */
async function storePart(
  load: OriginLoad,
  received: OriginResponse,
  decision: StorageDecision,
  { part, bytes }: { readonly part: Part; readonly bytes: Uint8Array },
  asked: OriginRequest,
  stored: Entry | undefined,
): Promise<LoadResult | undefined> {
  const isShort = bytes.byteLength !== part.last - part.first + 1;
  if (asked.kind === "complete" && isShort) return undefined;
  // The client asked for this part, so it gets the part, whatever is stored.
  if (asked.kind !== "complete") load.result.response = rawResponse(bytes, 206, received.headers);
  if (isShort) return NOT_STORED;
  const joined = joinWithStored(stored, { part, bytes, etag: received.headers.get("ETag") });
  const { part: known, bytes: body } = joined ?? { part, bytes };
  const isWhole = known.first === 0 && known.last === known.total - 1;
  // A part may omit fields that the other part has (RFC 9110, 15.3.7): its fields update the stored ones.
  const merged =
    joined === undefined ? decision : updatedDecision(load, joined.entry, received, decision, 206);
  const fields = merged.fields.filter(([name]) => !PART_FIELDS.includes(name));
  const storable = storableResult(
    { ...merged, fields },
    isWhole ? 200 : 206,
    body,
    isWhole ? undefined : known,
  );
  return storeResult(load, storable);
}

/** Stores the result under the key that was looked up, or under the key of its variant (RFC 9111, 4.1). */
export async function storeResult(
  { target, began, result, proxied, options }: OriginLoad,
  storable: StorableResult,
): Promise<LoadResult> {
  if (storable.http?.part === undefined)
    options.fillMarkers.delete(proxied.primary, proxied.kindOf());
  const stamp = { ...began, storedAt: proxied.ctx.now() };
  const { loaded, put } = await storeVariant(storable, stamp, target);
  if (put !== undefined) {
    result.entry = put.entry;
    result.storedElsewhere = put.stored;
  }
  return loaded;
}

/** Applies the storage rules to `fields` as the fields of this response. */
export function decide(
  { proxied, options }: OriginLoad,
  { requestedAt, respondedAt, sent }: OriginResponse,
  status: number,
  fields: Iterable<readonly [string, string]>,
): StorageDecision {
  const head = { status, sent, fields, requestedAt, respondedAt };
  const { limits, sharing } = options;
  return decideStorage(proxied.request.headers, head, proxied.groupScope, limits, sharing);
}

/** Applies the storage rules to a stored response whose fields a newer response has updated (RFC 9111, 3.2). */
export function updatedDecision(
  load: OriginLoad,
  stored: Entry,
  received: OriginResponse,
  newer: StorageDecision,
  status: number,
): StorageDecision {
  const fields = updateFields(stored.http?.headers ?? [], newer.fields);
  // The newer response's hop-by-hop fields are already gone; a stored field of the same name stays (RFC 9111, 3.1).
  return decide(load, { ...received, sent: new Headers() }, status, fields);
}
