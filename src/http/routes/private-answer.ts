/** Changes a handler's response before it is stored or sent: its Vary, and whom it may reach. */
import type { CacheStatusFields } from "../cache/cache-status.ts";
import { parseDirectives, qualifyingNames } from "../rfc/directives.ts";
import { selectingNames } from "../rfc/vary.ts";

/** Returns the response with the fields that the handler read in Vary, because handlers forget it. */
export function withVary(response: Response, read: ReadonlySet<string>): Response {
  const named = new Set(selectingNames(response.headers.get("Vary")));
  const missing = [...read].filter((name) => !named.has(name));
  if (missing.length === 0) return response;
  return withFields(response, (headers) => headers.append("Vary", missing.join(", ")));
}

/** The fields in which a response permits caches to share it, beside Cache-Control. */
const PERMISSIONS = [
  "CDN-Cache-Control",
  "Cloudflare-CDN-Cache-Control",
  "Expires",
  "Surrogate-Control",
];

/** Keeps the response from every shared cache. A handler's own private directives stay. */
export function privateResponse(response: Response): Response {
  return withFields(response, (headers) => {
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

/** Changes the fields of a response, or of a copy if they are immutable. */
function withFields(response: Response, change: (headers: Headers) => void): Response {
  try {
    change(response.headers);
    return response;
  } catch {
    const copy = new Response(response.body, response);
    change(copy.headers);
    return copy;
  }
}
