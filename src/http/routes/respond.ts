import type { Context as HonoContext } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import type { DataLookup } from "../../core/data-reader.ts";
import type { Entry, HttpMeta } from "../../core/entry.ts";
import { jsonTextOf } from "../../core/json-text.ts";
import { MARK } from "../../core/serializer.ts";
import type { EpochMs } from "../../core/time.ts";
import { problem } from "../cache/problem.ts";
import { serve, type OwnFields, type StoredResponse } from "../cache/serve.ts";
import { addVary } from "../rfc/vary.ts";
import { internalScopeOf } from "./middleware.ts";
import { addOuterFields, outerFieldsOf } from "./outer-fields.ts";
import type { StrataEnv } from "./request-scope.ts";

/**
 * The Cache-Control for clients. A client may keep the response, but must revalidate it before use,
 * because a purge does not reach it.
 */
export const CLIENT_CACHE_CONTROL = "max-age=0, must-revalidate";

const NO_META: HttpMeta = { status: 200, headers: [] };
const JSON_META: HttpMeta = { status: 200, headers: [["content-type", "application/json"]] };

/**
 * Makes the response to this request from a route's entry: the whole response, a 304, or the byte
 * ranges that the request asks for. It has the fields that outer middleware has set on the context.
 */
export function respondWithEntry(
  c: HonoContext,
  request: Request,
  entry: Entry,
  now: EpochMs,
  clientCacheControl: string = CLIENT_CACHE_CONTROL,
): Response {
  return serveToClient(c, request, entry, entry.http ?? NO_META, now, clientCacheControl);
}

function serveToClient(
  c: HonoContext,
  request: Request,
  entry: Entry,
  http: HttpMeta,
  now: EpochMs,
  clientCacheControl: string,
): Response {
  const { response, isSilent } = completedResponse(entry, http, clientCacheControl);
  const own = ownFieldsOf(c, isSilent ? "cache-control" : undefined);
  return serve(request, response, now, { reused: true, own });
}

/** A stored response with an entity tag, and with a Cache-Control for the client. */
interface CompletedResponse {
  readonly http: HttpMeta;
  readonly control: string;
  readonly response: StoredResponse;
  /** Whether the stored response says nothing of its lifetime. If it does, that is sent unchanged. */
  readonly isSilent: boolean;
}

/**
 * By entry, because it is the same for every hit. The memory tier does not count these bytes, so that two
 * generations of this many entries bound them: an entry that is not read while the newer one fills is forgotten.
 */
const MAX_COMPLETED = 1_024;
let completed = new WeakMap<Entry, CompletedResponse>();
let formerlyCompleted = new WeakMap<Entry, CompletedResponse>();
let completedCount = 0;

function completedResponse(entry: Entry, http: HttpMeta, control: string): CompletedResponse {
  const known = completed.get(entry);
  if (known?.http === http && known.control === control) return known;
  const former = formerlyCompleted.get(entry);
  if (former?.http === http && former.control === control) return keepCompleted(entry, former);
  const { body, etag, storedAt } = entry;
  const headers = [...http.headers];
  const has = (field: string): boolean => http.headers.some(([name]) => name === field);
  const isSilent = !has("cache-control") && !has("expires");
  if (etag !== "" && !has("etag")) headers.push(["etag", etag]);
  if (isSilent) headers.push(["cache-control", control]);
  const response = { body, storedAt, http: { ...http, headers } };
  return keepCompleted(entry, { http, control, response, isSilent });
}

function keepCompleted(entry: Entry, made: CompletedResponse): CompletedResponse {
  if (completedCount >= MAX_COMPLETED) {
    formerlyCompleted = completed;
    completed = new WeakMap();
    completedCount = 0;
  }
  completed.set(entry, made);
  completedCount++;
  return made;
}

/**
 * Returns the fields of outer middleware for an answer from a stored response. `replaceable` is a
 * stored field that is only a default, so that a value of outer middleware has precedence.
 */
function ownFieldsOf(c: HonoContext, replaceable: string | undefined): OwnFields {
  return {
    // Hono puts the fields of the context on the response. So a context without fields costs nothing.
    newResponse: (body, status) =>
      c.newResponse(body as Uint8Array<ArrayBuffer>, status as StatusCode),
    addStored(headers, name, value) {
      if (name === "vary") addVary(headers, value);
      else if (name !== replaceable || !headers.has(name)) headers.set(name, value);
    },
    addTo(headers) {
      const outer = outerFieldsOf(c);
      if (replaceable !== undefined && outer.has(replaceable)) headers.delete(replaceable);
      addOuterFields(headers, outer);
    },
  };
}

/**
 * Answers with the value that `cache.read` found, as JSON with an ETag: 304 if the client has this
 * value, 404 if there is no value. The JSON is the stored text, which is not parsed and serialised
 * again, unless another serializer than JSON wrote it. The response is `private, no-store` if the value
 * may not be stored.
 *
 * @param notFound The `detail` of the 404 problem. Default "There is nothing here."
 * @example
 * const users = definePolicy({ freshFor: "10m" });
 * app.get("/users/:id", async (c) => {
 *   const id = key("user", c.req.param("id"));
 *   return respond(c, await c.var.strata.cache.read(id, users, async () => ({ name: "Ada" })));
 * });
 */
export function respond(
  c: HonoContext<StrataEnv>,
  lookup: DataLookup<unknown>,
  notFound = "There is nothing here.",
): Response {
  const { entry, key } = lookup;
  if (entry === undefined ? lookup.value === undefined : entry.kind === "absent")
    return problem({ status: 404, type: "not-found", title: "Not Found", detail: notFound });
  if (entry === undefined)
    return new Response(jsonTextOf(lookup.value, key), {
      headers: { "Content-Type": "application/json", "Cache-Control": "private, no-store" },
    });
  return serveToClient(
    c,
    c.req.raw,
    typeof entry.body === "string" && entry.body.startsWith(MARK)
      ? { ...entry, body: jsonTextOf(lookup.value, entry.key) }
      : entry,
    JSON_META,
    c.get("strata").ctx.now(),
    CLIENT_CACHE_CONTROL,
  );
}

/**
 * Answers a request for a key that `strata.existence` excludes, and reports this in `Cache-Status`.
 * No tier was asked, so no lookup describes the response.
 *
 * @param answer The `detail` of the 404 problem, or another response: an empty list, for example.
 * @example
 * app.get("/products/:id", async (c) => {
 *   const id = key("product", c.req.param("id"));
 *   if (!(await strata.existence.mayExist("product", id, [id], c.var.strata.ctx)))
 *     return respondNonexistent(c, "There is no such product.");
 *   return c.json({ id });
 * });
 */
export function respondNonexistent(c: HonoContext<StrataEnv>, answer: string | Response): Response {
  internalScopeOf(c).cacheStatusOverride = {
    member: "strata; hit; detail=existence",
    plain: "HIT",
  };
  if (typeof answer !== "string") return answer;
  return problem({ status: 404, type: "not-found", title: "Not Found", detail: answer });
}
