import type { Context as HonoContext, MiddlewareHandler } from "hono";
import type { Loaded } from "../core/entry.ts";
import { toMillis, type Duration } from "../core/duration.ts";
import { CacheUnavailable, DefinitionError, fault } from "../core/faults.ts";
import { key as buildKey } from "../core/key.ts";
import { definePolicy, type PolicyOptions } from "../core/policy.ts";
import { createCollector, type Collector } from "../engine/collect.ts";
import { etagOf } from "./etag.ts";
import { CLIENT_CACHE_CONTROL, respondWithEntry } from "./respond.ts";
import type { RequestScope, StrataEnv } from "./scope.ts";
import { isStorable, storedHeaders } from "./storable.ts";

export interface CachedOptions extends Omit<PolicyOptions, "tags"> {
  /** The entry's key. Default: the path and its query, parameters sorted. */
  readonly key?: (c: HonoContext<StrataEnv>) => string;
  /** Names to purge it by. Tags found in the result are added with `c.var.strata.tag()`. */
  readonly tags?: readonly string[] | ((c: HonoContext<StrataEnv>) => readonly string[]);
  /** How long a client may use its copy without asking. Default 0: what it holds cannot be purged. */
  readonly clientMaxAge?: Duration;
}

/** Responses over this size pass through and are not kept. */
const MAX_BODY_BYTES = 1_048_576;

/**
 * Caches a route's response in every tier: one line a route. GET and HEAD only;
 * other methods pass. Put it behind the route's own validation, so that no bad
 * request becomes a key.
 *
 * @throws {DefinitionError} where the route is defined, naming the field that is wrong.
 * @example
 * app.get("/products/:id", cached({ freshFor: "1h", tags: (c) => [`product:${c.req.param("id")}`] }), handler)
 */
export function cached(options: CachedOptions): MiddlewareHandler<StrataEnv> {
  const { key: keyOf = defaultKey, tags, clientMaxAge, ...policyOptions } = options;
  const fixedTags = typeof tags === "function" ? [] : (tags ?? []);
  const policy = definePolicy({ ...policyOptions, tags: fixedTags });
  const tagsOf = typeof tags === "function" ? tags : () => [];
  const clientControl =
    clientMaxAge === undefined
      ? CLIENT_CACHE_CONTROL
      : `max-age=${Math.floor(toMillis(clientMaxAge, "clientMaxAge") / 1000)}`;

  return async function cachedRoute(c, next) {
    if (c.req.method !== "GET" && c.req.method !== "HEAD") return next();
    const scope = c.var.strata;
    const key = keyOf(c);

    const load = async (): Promise<Loaded> => {
      const collector = createCollector();
      collector.tag(...tagsOf(c));
      return loadHere(c, next, scope, collector);
    };

    if (scope.refreshing?.key === key) {
      scope.refreshing.loaded = await load();
      return;
    }

    let ran = false;
    const task = {
      load: () => {
        ran = true;
        return load();
      },
      refresh: () => scope.redispatch(key),
    };
    try {
      scope.route = await scope.engine.lookup(key, policy, task, scope.ctx);
    } catch (error) {
      // The handler's own error answer says more than ours would.
      if (ran && error instanceof CacheUnavailable && c.res.status >= 500) return;
      throw error;
    }
    const { entry } = scope.route;
    if (entry !== undefined) {
      const response = respondWithEntry(c.req.raw, entry, scope.ctx.now(), clientControl);
      // Unset first: Hono would merge the handler's headers into the stored ones.
      c.res = undefined;
      c.res = response;
      return;
    }
    // Not storable, and loaded for somebody else: this request needs its own.
    if (!ran) await next();
  };
}

/** Runs the handler and makes an entry's material of its response. */
async function loadHere(
  c: HonoContext<StrataEnv>,
  next: () => Promise<void>,
  scope: RequestScope,
  collector: Collector,
): Promise<Loaded> {
  scope.collector = collector;
  try {
    await next();
  } finally {
    scope.collector = undefined;
  }
  const { res } = c;
  if (res.status >= 500)
    throw c.error ?? new CacheUnavailable(fault("origin.unavailable", `answered ${res.status}`));
  if (!isStorable(res)) return { storable: false };
  const bytes = new Uint8Array(await res.arrayBuffer());
  const headers = storedHeaders(res.headers);
  c.res = undefined;
  c.res = new Response(bytes, { status: res.status, headers: res.headers });
  if (bytes.byteLength > MAX_BODY_BYTES) return { storable: false };
  return collector.finish({
    kind: res.status === 404 || res.status === 410 ? "absent" : "value",
    body: textOf(bytes) ?? bytes,
    http: { status: res.status, headers },
    etag: res.headers.get("ETag") ?? (await etagOf(bytes)),
  });
}

/** The bytes as text if they are exactly that; text is stored without any overhead. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function defaultKey(c: HonoContext<StrataEnv>): string {
  const url = new URL(c.req.url);
  url.searchParams.sort();
  try {
    return buildKey("route", url.pathname, url.search);
  } catch (error) {
    if (error instanceof DefinitionError)
      throw new DefinitionError("key", "the URL is too long for a key; give the route a key of its own");
    throw error;
  }
}
