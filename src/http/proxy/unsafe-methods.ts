/** Forwards methods other than GET and HEAD, and invalidates what they change (RFC 9111, 4.4). */
import type { Context } from "../../core/context.ts";
import type { LogPosition } from "../../core/entry.ts";
import { logKeysOfEntry, type InvalidationKey } from "../../core/invalidation-key.ts";
import { rawResponse } from "../cache/raw-response.ts";
import { groupTag } from "../cache/response-tags.ts";
import {
  decideStorage,
  isExplicitlyStorable,
  storableResult,
  type StorageDecision,
} from "../cache/storage-decision.ts";
import { textOf } from "../cache/text-bytes.ts";
import { isInvalidating, parseCacheGroups } from "../rfc/invalidation.ts";
import { clientAddressOf } from "./client-address.ts";
import { collectBody, relay } from "./collect-body.ts";
import type { OriginResponse } from "./forward.ts";
import { forwardedHeaders } from "./forwarded-fields.ts";
import type { InvalidationBatches } from "./invalidation-batches.ts";
import type { ProxyOptions } from "./proxied-request.ts";
import { ClientGone, uploadOf } from "./upload.ts";
import { originKey, resolveAtOrigin, type Mount, type Target } from "./target.ts";

export interface UnsafeOptions extends ProxyOptions {
  readonly mount: Mount;
  readonly invalidations: InvalidationBatches;
}

export interface UnsafeResult {
  readonly response: Response;
  /** The origin's status. */
  readonly status: number;
  readonly stored: boolean;
}

/**
 * Forwards a request that is neither GET nor HEAD. After a successful unsafe method it
 * invalidates the target, and stores the response if it is what a GET would return. The
 * sharing rules say which methods invalidate, and what else.
 *
 * @throws {CacheUnavailable} if the origin does not answer.
 * @throws {ClientGone} if the client leaves before it has sent the whole body.
 */
export async function forwardUnsafe(
  options: UnsafeOptions,
  request: Request,
  target: Target,
  ctx: Context,
): Promise<UnsafeResult> {
  const before = options.engine.logPosition();
  const upload = uploadOf(request);
  const forwarding = options.forward(target.url, {
    method: request.method,
    headers: forwardedHeaders(request, options.fieldRules),
    body: upload.body,
  });
  const received = await forwarding.catch((error: unknown) => {
    throw upload.hasBrokenOff() ? new ClientGone() : error;
  });
  const { status } = received;
  const { invalidatesWidely, storesPostResponses } = options.sharing;
  // RFC 9111, 4.4: only a non-error response to an unsafe method invalidates.
  if (!isInvalidating(request.method, invalidatesWidely) || status < 200 || status >= 400)
    return relayed(received);
  const keys = await invalidationKeysOf(
    received,
    target,
    invalidatesWidely ? options.mount : undefined,
  );
  const result = storesPostResponses
    ? await resultForGet(options, request, received, target)
    : undefined;
  const done = await options.invalidations.add(
    keys,
    clientAddressOf(request, options.fieldRules),
    ctx,
    result && logKeysOfEntry(result.key, result.decision.tags),
  );
  // After a concurrent write or purge, the response may show either state of the resource.
  if (result === undefined || done === undefined || done.previous > before.asOf)
    return relayed(received);
  return storeForGet(options, received, result, { asOf: done.seq, era: done.era }, ctx);
}

function relayed(received: OriginResponse): UnsafeResult {
  return { response: relay(received), status: received.status, stored: false };
}

/**
 * The target, and the groups in Cache-Group-Invalidation (RFC 9875, 3). With `mount`, also the
 * resources in Location and Content-Location.
 */
async function invalidationKeysOf(
  received: OriginResponse,
  target: Target,
  mount: Mount | undefined,
): Promise<InvalidationKey[]> {
  const urls = new Map([[target.url.href, target.url]]);
  for (const name of mount === undefined ? [] : ["Location", "Content-Location"]) {
    const value = received.sent.get(name);
    // RFC 9111, 4.4: a response must not invalidate resources of another origin.
    const url =
      value === null || mount === undefined ? undefined : resolveAtOrigin(value, target, mount);
    if (url !== undefined) urls.set(url.href, url);
  }
  const keys = await Promise.all(
    [...urls.values()].map((url) => originKey(target.publicOrigin, url)),
  );
  const groups = parseCacheGroups(received.headers.get("Cache-Group-Invalidation"));
  return [
    ...keys.map((key): InvalidationKey => `k:${key}`),
    ...groups.map((group): InvalidationKey => `t:${groupTag(target.publicOrigin, group)}`),
  ];
}

/** RFC 9110, 9.3.3: a POST whose response has the target's URI in Content-Location returns what a GET would return. */
function isRepresentationOfTarget(
  request: Request,
  received: OriginResponse,
  target: Target,
  mount: Mount,
): boolean {
  const location = received.sent.get("Content-Location");
  return (
    request.method === "POST" &&
    received.status === 200 &&
    received.headers.get("Vary") === null &&
    location !== null &&
    resolveAtOrigin(location, target, mount)?.href === target.url.href
  );
}

/** A response that a GET of the target would return, and that may be stored for it. */
interface ResultForGet {
  readonly key: string;
  readonly decision: StorageDecision;
}

async function resultForGet(
  options: UnsafeOptions,
  request: Request,
  received: OriginResponse,
  target: Target,
): Promise<ResultForGet | undefined> {
  if (!isRepresentationOfTarget(request, received, target, options.mount)) return undefined;
  const { status, headers, sent, requestedAt, respondedAt } = received;
  const head = { status, sent, fields: headers, requestedAt, respondedAt };
  const decision = decideStorage(
    request.headers,
    head,
    target.publicOrigin,
    options.limits,
    options.sharing,
  );
  if (!isExplicitlyStorable(decision)) return undefined;
  return { key: target.key, decision };
}

async function storeForGet(
  options: UnsafeOptions,
  received: OriginResponse,
  { key, decision }: ResultForGet,
  position: LogPosition,
  ctx: Context,
): Promise<UnsafeResult> {
  const { status, headers, requestedAt, respondedAt } = received;
  const streaming = Promise.withResolvers<Response>();
  // The body is still arriving, so the response has not been stored.
  const streamed = streaming.promise.then((response) => ({ response, status, stored: false }));
  const whole = collectBody(received, {
    limit: options.maxBodyBytes,
    budget: options.bodiesInFlight,
    ctx,
    startStreaming: streaming.resolve,
    whenStored: () => Promise.resolve(),
  }).then((bytes): UnsafeResult | Promise<UnsafeResult> => {
    if (bytes === undefined) return streamed;
    const storable = storableResult(decision, status, textOf(bytes) ?? bytes);
    const stamp = { ...position, startedAt: requestedAt, storedAt: respondedAt };
    const { stored } = options.engine.put(key, options.policy, storable, stamp, ctx);
    return { response: rawResponse(bytes, status, headers), status, stored };
  });
  ctx.defer(whole);
  return Promise.race([whole, streamed]);
}
