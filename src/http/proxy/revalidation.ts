/** Updates a stored response by the origin's 304, or by its response to a HEAD (RFC 9111, 4.3.4 and 4.3.5). */
import type { Entry, LoadResult, StorableResult } from "../../core/entry.ts";
import { fieldsOf } from "../cache/entry-fields.ts";
import { fieldsForOne, NOT_STORED, refusalOf, storableResult } from "../cache/storage-decision.ts";
import { peekStored } from "../cache/store-variant.ts";
import { bytesOf } from "../cache/text-bytes.ts";
import { selectableVariants } from "../cache/variants.ts";
import { privateFields } from "../rfc/stored-fields.ts";
import { confirms, describesStored } from "../rfc/validation.ts";
import { relay } from "./collect-body.ts";
import type { OriginResponse } from "./forward.ts";
import type { OriginRequest } from "./origin-request.ts";
import type { OriginLoad } from "./proxied-request.ts";
import { decide, endStored, storeResult, updatedDecision } from "./store-response.ts";

/** Updates the stored response that a 304 confirms. Undefined if it confirms none. */
export async function updateByNotModified(
  load: OriginLoad,
  received: OriginResponse,
  asked: OriginRequest,
  stored: Entry | undefined,
): Promise<LoadResult | undefined> {
  const confirmed = await confirmedEntry(load, received, asked, stored);
  if (confirmed === undefined || !hasSameCoding(load, received, confirmed)) return undefined;
  return update(load, confirmed, received);
}

/** A 304 in another coding is about other bytes than the stored ones. */
function hasSameCoding(
  { options }: OriginLoad,
  { headers }: OriginResponse,
  stored: Entry,
): boolean {
  const coding = headers.get("Content-Encoding");
  return (
    options.sharing.updatesCoding ||
    coding === null ||
    coding === fieldsOf(stored).get("Content-Encoding")
  );
}

async function confirmedEntry(
  { target }: OriginLoad,
  { headers }: OriginResponse,
  asked: OriginRequest,
  stored: Entry | undefined,
): Promise<Entry | undefined> {
  if (asked.kind === "validate" && stored !== undefined)
    return confirms(headers, fieldsOf(stored)) ? stored : undefined;
  const etag = headers.get("ETag");
  if (asked.kind !== "select") return undefined;
  const variant = selectableVariants(target.variants, target.request).find(
    (candidate) => candidate.etag === etag,
  );
  if (variant === undefined) return undefined;
  return peekStored(variant.key, target);
}

/** The stored response with the fields and times of a newer answer (RFC 9111, 3.2). */
async function update(
  load: OriginLoad,
  stored: Entry,
  received: OriginResponse,
): Promise<LoadResult> {
  const { result, proxied, options } = load;
  const { status = 200, part } = stored.http ?? {};
  const newer = decide(load, received, status, received.headers);
  const decision = updatedDecision(load, stored, received, newer, status);
  result.privateFields = privateFields(
    received.headers,
    fieldsForOne(newer.control, options.sharing),
  );
  result.forwarded = { fwd: load.reason, status: received.status, revalidated: true };
  const storable = storableResult(decision, status, stored.body, part);
  const isProhibited = (newer.prohibition ?? decision.prohibition) !== undefined;
  if (isProhibited) endStored(load, stored);
  else if (refusalOf(decision, proxied.request.headers, options.sharing) === undefined)
    return storeResult(load, storable);
  // The updated response answers this request, but may not be stored any more.
  result.entry = { ...stored, ...(storable.http && { http: storable.http }), etag: storable.etag };
  return NOT_STORED;
}

/** RFC 9111, 4.3.5: a 200 that describes the stored response updates it; any other 200 makes it stale if the rules say so. */
export async function updateByHead(
  load: OriginLoad,
  received: OriginResponse,
  stored: Entry | undefined,
): Promise<LoadResult> {
  const { result } = load;
  const { http } = stored ?? {};
  if (stored === undefined || received.status !== 200 || http?.status !== 200) {
    result.response = relay(received);
    return NOT_STORED;
  }
  const length = bytesOf(stored.body).byteLength;
  if (describesStored(received.headers, fieldsOf(stored), length)) {
    const loaded = await update(load, stored, received);
    result.forwarded = { fwd: load.reason, status: received.status, storable: true };
    return loaded;
  }
  if (load.options.sharing.invalidatesWidely) makeStale(load, { ...stored, http });
  result.response = relay(received);
  return NOT_STORED;
}

/** Stores the entry again, stale from now on. */
function makeStale(
  { options, proxied }: OriginLoad,
  stored: Entry & Required<Pick<Entry, "http">>,
): void {
  const { ctx } = proxied;
  const now = ctx.now();
  const { key, kind, body, http, etag, invalidationKeys } = stored;
  const { asOf, era, storedAt, deleteAt } = stored;
  const lifetimes = { freshUntil: now, staleUntil: now, errorUntil: now, deleteAt };
  const storable: StorableResult = {
    storable: true,
    kind,
    body,
    http,
    etag,
    invalidationKeys,
    lifetimes,
  };
  const stamp = { asOf, era, startedAt: storedAt, storedAt };
  options.engine.put(key, options.policy, storable, stamp, ctx);
}
