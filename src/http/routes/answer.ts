/** Changes and replaces the answer of a context. */
import type { Context as HonoContext } from "hono";
import { CONTENT_DIGESTS } from "../rfc/range.ts";
import { responseControlOf } from "../rfc/response-control.ts";
import { addOuterFields } from "./outer-fields.ts";
import type { GivenCookie, InternalScope } from "./request-scope.ts";

/**
 * Changes the fields of the answer. The fields of some answers are immutable, for example those of
 * `fetch()` and `Response.redirect()`; such an answer is replaced by a copy.
 */
export function changeFields(c: HonoContext, change: (headers: Headers) => void): void {
  try {
    change(c.res.headers);
  } catch {
    replaceAnswer(c, new Response(c.res.body, c.res));
    change(c.res.headers);
  }
}

/** An answer with the fields of outer middleware, which are sent with it. */
export interface Answer {
  readonly response: Response;
  readonly outer: Headers;
}

/** Replaces the answer. No other field of the former answer is sent than those of outer middleware. */
export function answerWith(c: HonoContext, { response, outer }: Answer): void {
  replaceAnswer(c, response);
  changeFields(c, (headers) => addOuterFields(headers, outer));
}

/** Replaces the answer. No field of the former one is sent. */
export function replaceAnswer(c: HonoContext, response: Response): void {
  // The answer is unset first, because Hono would otherwise copy its fields to the next one.
  c.res = undefined;
  c.res = response;
}

/**
 * Forbids caches downstream to share an answer with a cookie: they would send the cookie to other
 * clients. CDN-Cache-Control is removed, because it would replace Cache-Control there (RFC 9213, 2.2).
 */
export function keepCookiesPrivate(headers: Headers): void {
  if (!headers.has("Set-Cookie")) return;
  headers.delete("CDN-Cache-Control");
  const { noStore, private: isPrivate } = responseControlOf(headers);
  if (!noStore && isPrivate !== true) headers.append("Cache-Control", "private");
}

/**
 * Adds the newest session cookie to the answer, whatever made the answer. Hono drops the fields of `c.header()` if a
 * handler returns a `Response` of its own or throws. The answer to an error has no cookie of a new session.
 */
export function sendSessionCookies(
  c: HonoContext,
  { sessionCookies = [], ctx }: Pick<InternalScope, "sessionCookies" | "ctx">,
): void {
  const isError = c.error !== undefined;
  const sent = isError ? sessionCookies.filter(({ undo }) => undo === undefined) : sessionCookies;
  changeFields(c, (headers) => setSessionCookie(headers, sessionCookies, sent.at(-1)));
  if (isError) for (const { undo } of sessionCookies) if (undo !== undefined) ctx.defer(undo());
}

/** Replaces all of `given` in the fields by the one that is sent. Other cookies stay. */
export function setSessionCookie(
  headers: Headers,
  given: readonly GivenCookie[],
  sent: GivenCookie | undefined,
): void {
  const others = headers
    .getSetCookie()
    .filter((each) => given.every(({ field }) => field !== each));
  headers.delete("Set-Cookie");
  for (const other of others) headers.append("Set-Cookie", other);
  if (sent !== undefined) headers.append("Set-Cookie", sent.field);
  keepCookiesPrivate(headers);
}

/**
 * Removes what may describe another answer than this error: its validators, its lifetime, and the
 * coding of its body. Hono copies the fields of an answer to the error that replaces it, and those
 * that a handler set before it threw. `named` are further fields of the other answer.
 */
export function dropFieldsOfReplaced(headers: Headers, named: readonly string[] = []): void {
  for (const name of [...OF_ONE_ANSWER, ...named])
    if (name !== "content-type") headers.delete(name);
}

/** The fields that describe a representation and its lifetime (RFC 9110, 8; RFC 9111, 5). */
const OF_ONE_ANSWER = [
  "accept-ranges",
  "age",
  "cache-control",
  "cdn-cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-range",
  "etag",
  "expires",
  "last-modified",
  ...CONTENT_DIGESTS,
] as const;
