/** The cookie that carries a session id. */
import type { Millis } from "../core/time.ts";

export interface SessionCookie {
  /** The id that the request carries. Undefined if it carries none, or a malformed or doubtful one. */
  readonly id: string | undefined;
  /** Returns the field `Set-Cookie` that gives the client an id. */
  set(id: string, maxAgeMs: Millis): string;
  /** The field `Set-Cookie` that takes the id from the client. */
  readonly cleared: string;
  /** Returns the field `Cookie` of the request without the session cookie; undefined if it has no other. */
  others(): string | undefined;
}

const NAME = "session";
/** 32 bytes in base64url, without padding. */
const ID_PATTERN = /^[\w-]{43}$/;
/** A longer field is not read. Browsers send at most 8 KB, and workerd takes more. */
const MAX_FIELD_LENGTH = 16_384;

/**
 * Returns the session cookie of a request. Its name begins with `__Host-`, so that no other host of the
 * domain can set it, and no page on http. Browsers refuse such a name on http, so that the name is plain on
 * http and a loopback address, where no other host can set it either.
 *
 * A field that names the cookie twice is doubtful: a page in a folder of a plain host could have set one of the
 * two. It gives no id.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix
 */
export function sessionCookie(url: string, field: string | undefined): SessionCookie {
  const isSecure = !isPlainLoopback(url);
  const name = isSecure ? `__Host-${NAME}` : NAME;
  const attributes = `; Path=/${isSecure ? "; Secure" : ""}; HttpOnly; SameSite=Lax`;
  return {
    id: field === undefined ? undefined : idIn(field, name),
    set: (id, maxAgeMs) => `${name}=${id}; Max-Age=${Math.floor(maxAgeMs / 1_000)}${attributes}`,
    cleared: `${name}=; Max-Age=0${attributes}`,
    others: () => (field === undefined ? undefined : without(field, name)),
  };
}

/** Whether the field may carry a session, which costs no more than a search in a text. */
export function mayCarrySession(field: string): boolean {
  return field.includes(`${NAME}=`);
}

/** Returns the request without the session cookie; the request itself if it carries none. */
export function withoutSessionCookie(request: Request): Request {
  const field = request.headers.get("Cookie");
  if (field === null || !mayCarrySession(field)) return request;
  const others = sessionCookie(request.url, field).others();
  const headers = new Headers(request.headers);
  if (others === undefined) headers.delete("Cookie");
  else headers.set("Cookie", others);
  return new Request(request, { headers });
}

function idIn(field: string, name: string): string | undefined {
  if (field.length > MAX_FIELD_LENGTH) return undefined;
  let found: string | undefined;
  for (const pair of field.split(";")) {
    const at = pair.indexOf("=");
    if (at < 0 || trimmed(pair.slice(0, at)) !== name) continue;
    if (found !== undefined) return undefined;
    found = trimmed(pair.slice(at + 1));
  }
  return found !== undefined && ID_PATTERN.test(found) ? found : undefined;
}

/**
 * Removes spaces and tabs, as browsers do. Unicode white space stays: with it, the name is another one for browsers, which
 * they do not protect.
 */
function trimmed(text: string): string {
  return text.replaceAll(/^[ \t]+|[ \t]+$/g, "");
}

function without(field: string, name: string): string | undefined {
  const others = field.split(";").filter((pair) => pair.split("=", 1)[0]?.trim() !== name);
  return others.join(";").trim() || undefined;
}

function isPlainLoopback(url: string): boolean {
  return /^http:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?(?:[/?#]|$)/i.test(url);
}
