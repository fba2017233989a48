/** Changes a handler's response before it is stored or sent: its Vary, and whom it may reach. */
import type { Context as HonoContext } from "hono";
import type { CacheStatusFields } from "../cache/cache-status.ts";
import { parseDirectives, qualifyingNames } from "../rfc/directives.ts";
import { selectingNames } from "../rfc/vary.ts";

/** Replaces the response, with no field of the former one. */
export function replaceResponse(c: HonoContext, response: Response): void {
  // The response is unset first, because Hono would otherwise copy its headers to the next one.
  c.res = undefined;
  c.res = response;
}

/** Adds the fields that the handler read to Vary, because handlers forget it. */
export function addVary(c: HonoContext, read: ReadonlySet<string>): void {
  const named = new Set(selectingNames(c.res.headers.get("Vary")));
  const missing = [...read].filter((name) => !named.has(name));
  if (missing.length > 0) changeHeaders(c, (headers) => headers.append("Vary", missing.join(", ")));
}

/** The fields in which a response permits caches to share it, beside Cache-Control. */
const PERMISSIONS = [
  "CDN-Cache-Control",
  "Cloudflare-CDN-Cache-Control",
  "Expires",
  "Surrogate-Control",
];

/** Keeps the response from every shared cache. A handler's own private directives stay. */
export function makePrivate(c: HonoContext): void {
  changeHeaders(c, (headers) => {
    const directives = parseDirectives(headers.get("Cache-Control"));
    const isPrivate = qualifyingNames(directives, "private") === true && !directives.has("public");
    if (!isPrivate && !directives.has("no-store"))
      headers.set("Cache-Control", "private, no-store");
    for (const name of PERMISSIONS) headers.delete(name);
  });
}

/** The `Cache-Status` of a private answer. `name` is what the handler read. */
export function unkeyedStatus(name: string, status: number): CacheStatusFields {
  // RFC 8941, 3.3.4: a token has no other characters.
  const token = name.replaceAll(/[^\w!#$%&'*+.^`|~:/-]/g, "_");
  return {
    member: `strata; fwd=bypass; fwd-status=${status}; detail=unkeyed-${token}`,
    plain: "BYPASS",
  };
}

/** Changes the response's header fields, or those of a copy if they are immutable. */
function changeHeaders(c: HonoContext, change: (headers: Headers) => void): void {
  try {
    change(c.res.headers);
  } catch {
    replaceResponse(c, new Response(c.res.body, c.res));
    change(c.res.headers);
  }
}
