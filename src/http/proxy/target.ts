/** Maps a request to its resource at the origin, and to that resource's key. */
import { createBoundedMap } from "../../core/bounded-map.ts";
import { key, keyProblem } from "../../core/key.ts";
import { sha256Hex } from "../../core/sha256.ts";

export interface Target {
  /** The resource at the origin. */
  readonly url: URL;
  /** Scheme and host that the client used. The origin learns them, so they are part of the key. */
  readonly publicOrigin: string;
  /** The key of the resource, the same for all methods. */
  readonly key: string;
}

export interface Mount {
  readonly origin: URL;
  /** The path under which the origin's root is served; "" for the root itself. */
  readonly prefix: string;
}

/** The most characters of a resource's key. The limit of a key is higher, so that the suffix of a variant fits too. */
const MAX_PRIMARY_LENGTH = 440;

/** The most URLs whose targets a mount remembers. */
const MAX_REMEMBERED = 1_000;

/**
 * Creates the function that maps the URL of a request to its target at the origin: the path after
 * the mount's prefix, and the query, both unchanged. Undefined if the path is not under the prefix.
 * For a URL that was used recently it returns the target without a promise.
 */
export function createTargets(
  mount: Mount,
): (requestUrl: string) => Target | undefined | Promise<Target | undefined> {
  const remembered = createBoundedMap<string, Target>(MAX_REMEMBERED);

  async function find(requestUrl: string): Promise<Target | undefined> {
    const requested = new URL(requestUrl);
    const path = pathUnder(mount.prefix, requested.pathname);
    if (path === undefined) return undefined;
    const url = urlAt(mount, path, queryOf(requested));
    const publicOrigin = requested.origin;
    const target = { url, publicOrigin, key: await originKey(publicOrigin, url) };
    if (requestUrl.length <= MAX_PRIMARY_LENGTH) remembered.set(requestUrl, target);
    return target;
  }

  return (requestUrl) => remembered.get(requestUrl) ?? find(requestUrl);
}

/**
 * The rest of a path after a prefix, unchanged; undefined if the path is not under it. The prefix is
 * compared with the path decoded once, as the routes are: `/%6frigin/a` is `/a` under `/origin`.
 */
export function pathUnder(prefix: string, path: string): string | undefined {
  if (prefix === "") return path;
  if (path.startsWith(`${prefix}/`) || path === prefix) return path.slice(prefix.length);
  if (!path.includes("%")) return undefined;
  const segments = path.split("/");
  const depth = prefix.split("/").length;
  const start = segments.slice(0, depth).join("/");
  if (decodedOnce(start) !== prefix) return undefined;
  return path.slice(start.length);
}

/** Decodes what the routes decode: not an encoded slash, so that segments stay segments. */
function decodedOnce(path: string): string | undefined {
  try {
    return decodeURI(path);
  } catch {
    return undefined;
  }
}

function urlAt({ origin }: Mount, path: string, search: string): URL {
  const base = basePathOf(origin);
  const rooted = path.startsWith("/") ? path : `/${path}`;
  return new URL(`${origin.origin}${base}${rooted}${search}`);
}

/** The origin's own path, without a slash at its end. */
export function basePathOf({ pathname }: URL): string {
  return pathname.endsWith("/") ? pathname.slice(0, -1) : pathname;
}

/** The query with its question mark. `URL.search` drops the mark of an empty query. */
function queryOf({ href, hash }: URL): string {
  const start = href.indexOf("?");
  return start < 0 ? "" : href.slice(start, href.length - hash.length);
}

/**
 * Resolves a URI in a response to the origin's URL of the same resource. Undefined if the
 * resource belongs to another origin.
 */
export function resolveAtOrigin(value: string, target: Target, mount: Mount): URL | undefined {
  if (!URL.canParse(value, target.url)) return undefined;
  const uri = new URL(value, target.url);
  // The key has the URL, and user information names no other resource.
  uri.username = "";
  uri.password = "";
  if (uri.origin === target.url.origin) return uri;
  const path =
    uri.origin === target.publicOrigin ? pathUnder(mount.prefix, uri.pathname) : undefined;
  return path === undefined ? undefined : urlAt(mount, path, queryOf(uri));
}

/**
 * The key of a resource, the same for all methods: `origin:<public origin>:<URL at the origin>`. The
 * URL has the origin's scheme and host, so that two origins under one public host have no key in
 * common. A hash replaces the last part if the key would be too long.
 */
export async function originKey(publicOrigin: string, url: URL): Promise<string> {
  const { href, hash } = url;
  const resource = href.slice(0, href.length - hash.length);
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
