/** Where a request goes at the origin, and the key of what comes back. */
import { key, keyProblem } from "../../core/key.ts";
import { sha256Hex } from "../../core/sha256.ts";

export interface Target {
  /** The resource at the origin. */
  readonly url: URL;
  /** How the client named the origin: part of the key, since the origin is told of it. */
  readonly publicOrigin: string;
}

export interface Mount {
  readonly origin: URL;
  /** The path under which the origin's root is served; "" for the root itself. */
  readonly prefix: string;
}

/** The origin's URL for a request: path and query as they were sent, after the mount's prefix. */
export function targetOf(requestUrl: string, mount: Mount): Target {
  const seen = new URL(requestUrl);
  return {
    url: urlAt(mount, seen.pathname.slice(mount.prefix.length), queryOf(seen)),
    publicOrigin: seen.origin,
  };
}

function urlAt({ origin }: Mount, path: string, search: string): URL {
  const base = origin.pathname.endsWith("/") ? origin.pathname.slice(0, -1) : origin.pathname;
  const rooted = path.startsWith("/") ? path : `/${path}`;
  return new URL(`${origin.origin}${base}${rooted}${search}`);
}

/** The query with its question mark, which `search` forgets where nothing follows it. */
function queryOf({ href, hash }: URL): string {
  const at = href.indexOf("?");
  return at < 0 ? "" : href.slice(at, href.length - hash.length);
}

/** The same resource as the origin names it, if a URI that it sent names one of its own; else undefined. */
export function ownUri(value: string, target: Target, mount: Mount): URL | undefined {
  if (!URL.canParse(value, target.url)) return undefined;
  const uri = new URL(value, target.url);
  if (uri.origin === target.url.origin) return uri;
  if (uri.origin !== target.publicOrigin || !uri.pathname.startsWith(mount.prefix))
    return undefined;
  return urlAt(mount, uri.pathname.slice(mount.prefix.length), queryOf(uri));
}

/** Room for the suffix that tells variants apart. */
const MAX_PRIMARY_LENGTH = 440;

/**
 * The key of a resource, whatever the method: `origin:<public origin>:<path and
 * query>`, the last part hashed where it is too long to be a key.
 */
export async function originKey(publicOrigin: string, url: URL): Promise<string> {
  const resource = `${url.pathname}${queryOf(url)}`;
  if (resource.length < MAX_PRIMARY_LENGTH) {
    const plain = `origin:${encodeURIComponent(publicOrigin)}:${encodeURIComponent(resource)}`;
    if (plain.length <= MAX_PRIMARY_LENGTH && keyProblem(plain) === undefined) return plain;
  }
  return key(
    "origin",
    publicOrigin.slice(0, 120),
    `sha256-${await sha256Hex(`${publicOrigin} ${resource}`)}`,
  );
}
