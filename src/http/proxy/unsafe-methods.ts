/** Requests that a cache hands on, and what they make of what is stored (RFC 9111, 4.4). */
import type { Context } from "../../core/context.ts";
import type { Invalidation } from "../../core/invalidator.ts";
import type { Result } from "../../core/result.ts";
import type { InvalidationKey } from "../../core/invalidation-key.ts";
import { groupTag, decideStorage, entryMaterial } from "../cache/cacheable-response.ts";
import { groupsOf, isSafe } from "../rfc/invalidation.ts";
import { textOf } from "../cache/text-bytes.ts";
import { rawResponse } from "./body.ts";
import { collect, relay } from "./collect-body.ts";
import type { ExchangeOptions } from "./exchange.ts";
import { forwardedHeaders, type Received } from "./forward.ts";
import { originKey, ownUri, type Mount, type Target } from "./target.ts";

export interface UnsafeOptions extends ExchangeOptions {
  readonly mount: Mount;
  /** Here at once, and everywhere as soon as the log knows. */
  readonly invalidate: (
    members: readonly InvalidationKey[],
    ctx: Context,
  ) => Promise<Result<Invalidation>>;
  /** Brings the isolate's knowledge of the log up to now. */
  readonly sync: (ctx: Context) => Promise<unknown>;
}

/** Hands on a request that is neither GET nor HEAD. @throws {CacheUnavailable} if the origin does not answer. */
export async function handOn(
  options: UnsafeOptions,
  request: Request,
  target: Target,
  ctx: Context,
): Promise<{ readonly response: Response; readonly status: number; readonly stored: boolean }> {
  const known = options.engine.logPosition();
  const received = await options.forward(target.url, {
    method: request.method,
    headers: forwardedHeaders(request),
    body: request.body,
  });
  const { status } = received;
  // Neither a safe method nor an error changes anything (4.4).
  if (isSafe(request.method) || status < 200 || status >= 400)
    return { response: relay(received), status, stored: false };
  const members = await invalidated(received, target, options.mount);
  const outcome = await options.invalidate(members, ctx);
  const done = outcome.ok ? outcome.value : undefined;
  // So that what is loaded from now on knows that it came after.
  ctx.defer(options.sync(ctx));
  // Others wrote meanwhile: whose state the response shows is unknown.
  const alone = done !== undefined && done.previous <= known.asOf;
  if (!alone || !describesItself(request, received, target, options.mount))
    return { response: relay(received), status, stored: false };
  return keepForGet(options, request, received, target, { asOf: done.seq, era: done.era }, ctx);
}

/** The names of what the response has changed: its URI, those that it points to, the groups it names. */
async function invalidated(
  received: Received,
  target: Target,
  mount: Mount,
): Promise<InvalidationKey[]> {
  const urls = new Map([[target.url.href, target.url]]);
  for (const name of ["Location", "Content-Location"]) {
    const value = received.headers.get(name);
    // Of another origin nothing may be invalidated.
    const uri = value === null ? undefined : ownUri(value, target, mount);
    if (uri !== undefined) urls.set(uri.href, uri);
  }
  const keys = await Promise.all(
    [...urls.values()].map((url) => originKey(target.publicOrigin, url)),
  );
  // RFC 9875, 3.
  const groups = groupsOf(received.headers.get("Cache-Group-Invalidation"));
  return [
    ...keys.map((key): InvalidationKey => `k:${key}`),
    ...groups.map((group): InvalidationKey => `t:${groupTag(target.publicOrigin, group)}`),
  ];
}

/** RFC 9110, 9.3.3: the answer to a POST that is what a GET of the same URI would bring. */
function describesItself(
  request: Request,
  received: Received,
  target: Target,
  mount: Mount,
): boolean {
  const location = received.headers.get("Content-Location");
  return (
    request.method === "POST" &&
    received.status === 200 &&
    received.headers.get("Vary") === null &&
    location !== null &&
    ownUri(location, target, mount)?.href === target.url.href
  );
}

async function keepForGet(
  options: UnsafeOptions,
  request: Request,
  received: Received,
  target: Target,
  moment: { readonly asOf: number; readonly era: string },
  ctx: Context,
) {
  const { status, headers, sent, requestedAt, respondedAt } = received;
  const head = { status, sent, fields: headers, requestedAt, respondedAt };
  const verdict = decideStorage(request.headers, head, target.publicOrigin, options.limits);
  if (verdict.storing !== "store" || !verdict.explicit)
    return { response: relay(received), status, stored: false };
  const key = await originKey(target.publicOrigin, target.url);
  const early = Promise.withResolvers<Response>();
  const kept = collect(received, {
    limit: options.maxBodyBytes,
    ctx,
    early: early.resolve,
    settled: () => Promise.resolve(),
  }).then((bytes) => {
    if (bytes === undefined) return early.promise;
    const made = entryMaterial(verdict, status, textOf(bytes) ?? bytes);
    const at = { ...moment, startedAt: requestedAt, storedAt: respondedAt };
    options.engine.put(key, options.policy, made, at, ctx);
    return rawResponse(bytes, status, headers);
  });
  ctx.defer(kept);
  return { response: await Promise.race([kept, early.promise]), status, stored: true };
}
