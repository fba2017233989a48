import type { Context as HonoContext } from "hono";
import type { Entry } from "../core/entry.ts";
import type { DataLookup } from "../core/ports.ts";
import { isNotModified } from "./conditional.ts";
import { problem } from "./problem.ts";
import type { StrataEnv } from "./scope.ts";
import type { EpochMs } from "../core/time.ts";

/** What sits in a browser cannot be purged: it may keep an answer, and must ask each time. */
export const CLIENT_CACHE_CONTROL = "max-age=0, must-revalidate";

/** Headers that a 304 repeats (RFC 9110, 15.4.5). */
const ON_304 = new Set(["cache-control", "content-location", "date", "etag", "expires", "vary"]);

/** The stored response, or a 304 if the client has it already. */
export function respondWithEntry(
  request: Request,
  entry: Entry,
  now: EpochMs,
  clientCacheControl: string = CLIENT_CACHE_CONTROL,
): Response {
  const headers = new Headers();
  for (const [name, value] of entry.http?.headers ?? []) headers.append(name, value);
  headers.set("Cache-Control", clientCacheControl);
  headers.set("Age", String(Math.max(0, Math.floor((now - entry.storedAt) / 1000))));
  if (entry.etag !== "") headers.set("ETag", entry.etag);
  const status = entry.http?.status ?? 200;
  if (status === 200 && isNotModified(request.headers.get("If-None-Match"), entry.etag)) {
    for (const name of [...headers.keys()])
      if (!ON_304.has(name) && name !== "age") headers.delete(name);
    return new Response(null, { status: 304, headers });
  }
  return new Response(entry.body, { status, headers });
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
  const headers: [string, string][] = [["content-type", "application/json"]];
  return respondWithEntry(c.req.raw, { ...entry, http: { status: 200, headers } }, c.var.strata.ctx.now());
}
