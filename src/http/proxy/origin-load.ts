/**
 * Loads a response from the origin: chooses what to ask for, forwards the request, and
 * stores, updates or relays what comes back.
 */
import type { Entry, LoadResult, Variant } from "../../core/entry.ts";
import { CacheUnavailable, fault } from "../../core/faults.ts";
import type { EpochMs } from "../../core/time.ts";
import type { Forwarded } from "../cache/cache-status.ts";
import { fieldsOf } from "../cache/entry-fields.ts";
import { hasAcceptedCoding } from "../cache/content-coding.ts";
import { selectableVariants } from "../cache/variants.ts";
import { mayServeOnError } from "../rfc/lifetimes.ts";
import { responseControlOf } from "../rfc/response-control.ts";
import type { OriginResponse } from "./forward.ts";
import {
  isConditional,
  originRequestFor,
  unconditional,
  type Asking,
  type OriginRequest,
} from "./origin-request.ts";
import { completesPart } from "./partial-content.ts";
import type { ClientResult, OriginLoad, ProxiedRequest, ProxyOptions } from "./proxied-request.ts";
import { updateByHead, updateByNotModified } from "./revalidation.ts";
import { responseForClient, storeResponse } from "./store-response.ts";

/**
 * Loads `key`. `variants` are those in the resource's list, and `stored` is a valid entry
 * that may not be used without validation.
 *
 * @throws {CacheUnavailable} if the origin gives no valid answer, or an error that a stored response may replace.
 */
export async function loadFromOrigin(
  options: ProxyOptions,
  proxied: ProxiedRequest,
  key: string,
  variants: readonly Variant[],
  stored: Entry | undefined,
  result: ClientResult,
): Promise<LoadResult> {
  const { engine, policy } = options;
  const { request, primary, ctx } = proxied;
  const fields = proxied.forwardedFields();
  const load: OriginLoad = {
    options,
    proxied,
    result,
    target: { engine, policy, ctx, primary, key, variants, request: fields },
    began: { ...engine.logPosition(), startedAt: ctx.now() },
    reason: reasonOf(stored, variants, ctx.now()),
  };
  const usable = stored !== undefined && isUsable(stored, request, options) ? stored : undefined;
  const etags = [...new Set(selectableVariants(variants, fields).map(({ etag }) => etag))];
  // A refresh is for all clients, so the condition of the one that caused it does not count.
  const isRefresh = result.streaming === undefined;
  const forwarded = isRefresh ? unconditional(request.method, fields).headers : fields;
  // A whole response that cannot be stored is of no use to a client that asks for a part or a 304.
  const fill = proxied.fillsCache() && !isTooLong(stored, options);
  const asking: Asking = { request, forwarded, etags, fill };
  return ask(load, originRequestFor(asking, usable), usable);
}

/** Whether the origin may confirm or complete the stored response for this request. */
function isUsable(stored: Entry, request: Request, options: ProxyOptions): boolean {
  return !isTooLong(stored, options) && hasAcceptedCoding(request, stored);
}

/** A representation that is too long to store cannot be completed from a stored part. */
function isTooLong(stored: Entry | undefined, { maxBodyBytes }: ProxyOptions): boolean {
  return (stored?.http?.part?.total ?? 0) > maxBodyBytes;
}

/** Asks the origin. If its answer is of no use, asks once more without a condition. */
async function ask(
  load: OriginLoad,
  asked: OriginRequest,
  stored: Entry | undefined,
): Promise<LoadResult> {
  const { options, proxied, result } = load;
  const { method, headers } = asked;
  const received = await options.forward(proxied.url, { method, headers });
  result.forwarded = { fwd: load.reason, status: received.status };
  const loaded = await handle(load, received, asked, stored);
  if (loaded !== undefined) return loaded;
  await received.body?.cancel();
  return ask(load, unconditional(asked.method, proxied.forwardedFields()), undefined);
}

/** Undefined if the answer is of no use for what was asked. */
async function handle(
  load: OriginLoad,
  received: OriginResponse,
  asked: OriginRequest,
  stored: Entry | undefined,
): Promise<LoadResult | undefined> {
  const { status } = received;
  // RFC 9110, 15.4.5: a 304 answers a condition, and this request had none.
  if (status === 304 && !isConditional(asked))
    throw new CacheUnavailable(fault("origin.unavailable", "answered 304 without a condition"));
  // The 304 to a `plain` request answers the client's own condition: it is relayed below.
  if (status === 304 && asked.kind !== "plain")
    return updateByNotModified(load, received, asked, stored);
  if (asked.method === "HEAD") return updateByHead(load, received, stored);
  if (asked.kind === "complete" && status === 206 && !completesPart(stored, received.headers))
    return undefined;
  if (stored !== undefined && mayReplaceError(load, stored, status)) {
    load.result.response = responseForClient(load, received, asked);
    throw new CacheUnavailable(fault("origin.unavailable", `answered ${status}`));
  }
  return storeResponse(load, received, asked, stored);
}

/** RFC 5861, 4. */
function mayReplaceError({ proxied }: OriginLoad, stored: Entry, status: number): boolean {
  const { control, ctx } = proxied;
  if (ctx.now() >= stored.errorUntil) return false;
  const storedControl = responseControlOf(fieldsOf(stored));
  const staleForMs = ctx.now() - stored.freshUntil;
  return mayServeOnError(status, storedControl, control.staleIfError, staleForMs);
}

function reasonOf(
  stored: Entry | undefined,
  variants: readonly Variant[],
  now: EpochMs,
): Forwarded["fwd"] {
  if (stored === undefined) return variants.length > 0 ? "vary-miss" : "uri-miss";
  if (stored.http?.part !== undefined) return "partial";
  return now < stored.freshUntil ? "request" : "stale";
}
