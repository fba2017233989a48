import type { Context as HonoContext } from "hono";
import type { Entry, HttpMeta } from "../../core/entry.ts";
import type { DataLookup } from "../../core/data-reader.ts";
import { problem } from "../cache/problem.ts";
import { internalScopeOf } from "./middleware.ts";
import type { StrataEnv } from "./request-scope.ts";
import { serve } from "../cache/serve.ts";
import type { EpochMs } from "../../core/time.ts";

/** What sits in a browser cannot be purged: it may keep an answer, and must ask each time. */
export const CLIENT_CACHE_CONTROL = "max-age=0, must-revalidate";

/** The stored response as this client is to have it: a 304 or a part where that is what it asks for. */
export function respondWithEntry(
  request: Request,
  entry: Entry,
  now: EpochMs,
  clientCacheControl: string = CLIENT_CACHE_CONTROL,
): Response {
  return answer(request, entry, entry.http ?? UNSAID, now, clientCacheControl);
}

const UNSAID: HttpMeta = { status: 200, headers: [] };
const JSON_BODY: HttpMeta = { status: 200, headers: [["content-type", "application/json"]] };

function answer(
  request: Request,
  { body, etag, storedAt }: Entry,
  http: HttpMeta,
  now: EpochMs,
  clientCacheControl: string,
): Response {
  const headers = [...http.headers];
  const has = (field: string): boolean => http.headers.some(([name]) => name === field);
  if (etag !== "" && !has("etag")) headers.push(["etag", etag]);
  // What the response says of itself stands.
  if (!has("cache-control") && !has("expires")) headers.push(["cache-control", clientCacheControl]);
  return serve(request, { body, storedAt, http: { ...http, headers } }, now, { reused: true });
}

/**
 * Answers with a value that `cache.read` found: as JSON, straight from the
 * stored text, with its ETag; 304 where the client has it; 404 where there is none.
 *
 * @example return respond(c, await c.var.strata.cache.read(key("user", id), users, load));
 */
export function respond(
  c: HonoContext<StrataEnv>,
  lookup: DataLookup<unknown>,
  notFound = "There is nothing here.",
): Response {
  const { entry } = lookup;
  if (entry === undefined ? lookup.value === undefined : entry.kind === "absent")
    return problem({ status: 404, type: "not-found", title: "Not Found", detail: notFound });
  // What may not be stored belongs to this client alone.
  if (entry === undefined)
    return new Response(JSON.stringify(lookup.value), {
      headers: { "Content-Type": "application/json", "Cache-Control": "private, no-store" },
    });
  return answer(c.req.raw, entry, JSON_BODY, c.get("strata").ctx.now(), CLIENT_CACHE_CONTROL);
}

/**
 * Answers 404 for a key that `strata.existence` excludes, and says so in `Cache-Status`. No tier
 * was asked, so no lookup describes the response.
 *
 * @example
 * app.get("/products/:id", async (c) => {
 *   const id = key("product", c.req.param("id"));
 *   if (!(await strata.existence.mayExist("product", id, [id], c.var.strata.ctx)))
 *     return respondNonexistent(c, "There is no such product.");
 *   return c.json({ id });
 * });
 */
export function respondNonexistent(c: HonoContext<StrataEnv>, detail: string): Response {
  internalScopeOf(c).cacheStatusOverride = {
    member: "strata; hit; detail=existence",
    plain: "HIT",
  };
  return problem({ status: 404, type: "not-found", title: "Not Found", detail });
}
