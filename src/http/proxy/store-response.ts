/** Stores a new response of the origin if the rules allow it, or relays it. */
import { createEntry, type Entry, type LoadResult, type StorableResult } from "../../core/entry.ts";
import { rawResponse } from "../cache/raw-response.ts";
import {
  decideStorage,
  HIT_FOR_MISS,
  NOT_STORED,
  refusalOf,
  storableResult,
  type StorageDecision,
} from "../cache/storage-decision.ts";
import { storeVariant } from "../cache/store-variant.ts";
import { textOf } from "../cache/text-bytes.ts";
import { readerOf } from "../rfc/fields.ts";
import { parseContentRange, type Part } from "../rfc/range.ts";
import { privateFields, updateFields } from "../rfc/stored-fields.ts";
import { selectingNames, selectorsOf } from "../rfc/vary.ts";
import type { Arrival } from "./arrivals.ts";
import { collectBody, relay, type SharedBody } from "./collect-body.ts";
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
  const part = status === 206 ? parseContentRange(headers.get("Content-Range")) : undefined;
  const isUnknownPart = status === 206 && part === undefined;
  const refusal = isUnknownPart ? NOT_STORED : refusalOf(decision, proxied.request.headers);
  if (refusal !== undefined) {
    // RFC 9111, 3.3: the missing rest alone is no answer to the client's request.
    if (asked.kind === "complete" && status === 206) return undefined;
    result.response = relay(received);
    return refusal;
  }
  result.forwarded = { fwd: load.reason, status, storable: true };
  result.privateFields = privateFields(headers, decision.control);
  const bytes = await collectBody(received, {
    limit: options.maxBodyBytes,
    budget: options.bodiesInFlight,
    ctx: proxied.ctx,
    startStreaming: asked.kind === "complete" ? undefined : result.streaming?.resolve,
    onStreaming: (body) => announce(load, decision, status, body),
    whenStored: () => result.whenStored(),
  });
  if (bytes === undefined) return HIT_FOR_MISS;
  if (part !== undefined)
    return storePart(load, received, decision, { part, bytes }, asked, stored);
  return storeResult(load, storableResult(decision, status, textOf(bytes) ?? bytes));
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
  { target, began, result, proxied }: OriginLoad,
  storable: StorableResult,
): Promise<LoadResult> {
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
  return decideStorage(proxied.request.headers, head, proxied.groupScope, options.limits);
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
