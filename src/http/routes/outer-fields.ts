/**
 * Keeps the fields of outer middleware apart from those of the route. Outer middleware runs before
 * `cached()`; what it sets, such as a request id or CORS fields, belongs to one request.
 */
import type { Context as HonoContext } from "hono";
import { addVary } from "../rfc/vary.ts";

/** Returns the fields that middleware has set so far for the answer to this request. */
export function outerFieldsOf(c: HonoContext): Headers {
  return c.newResponse(null).headers;
}

/**
 * Takes the fields of outer middleware off the context and returns them. So the response that the
 * handler makes has only the fields of the route. Content-Type stays, because it is the default for
 * the bodies that the handler makes.
 */
export function takeOuterFields(c: HonoContext): Headers {
  const outer = outerFieldsOf(c);
  resetAnswer(c);
  // Without a response, Hono lists the fields that `c.header()` has set.
  for (const name of outerFieldsOf(c).keys()) c.header(name, undefined);
  const type = outer.get("Content-Type");
  if (type !== null) c.header("Content-Type", type);
  return outer;
}

/** Puts the fields back instead of the answer, so that they are on every answer that Hono makes from now on. */
export function restoreOuterFields(c: HonoContext, outer: Headers): void {
  resetAnswer(c);
  for (const name of outerFieldsOf(c).keys()) c.header(name, undefined);
  // Hono adds the fields of `c.res` also to an answer that is made without the context.
  for (const [name, value] of outer) c.res.headers.append(name, value);
}

/**
 * Adds the fields of outer middleware to a response of the route. The route's own value has
 * precedence. Cookies are added, and Vary names the fields of both.
 */
export function addOuterFields(headers: Headers, outer: Headers): void {
  for (const [name, value] of outer)
    if (name === "set-cookie") headers.append(name, value);
    else if (!headers.has(name)) headers.set(name, value);
    else if (name === "vary") addVary(headers, value);
}

/** Makes the context forget its answer. Hono would otherwise copy its fields to the next one. */
function resetAnswer(c: HonoContext): void {
  c.res = undefined;
  c.finalized = false;
}
