/**
 * Rewrites the URIs in a response of the origin that name the origin's own address. The origin is
 * asked under its own host, so it writes that host into them; the client may not be able to reach it.
 */
import { basePathOf, pathUnder, type Mount, type Target } from "./target.ts";

/** Fields whose value is one URI. */
const URI_FIELDS = ["Location", "Content-Location"] as const;

/** The targets of links (RFC 8288, 3): a URI in angle brackets. Quoted parameters are skipped. */
const LINK_TARGETS = /"(?:[^"\\]|\\.)*(?:"|$)|<([^<>]*)>/g;

/** Changes the fields of a response so that its URIs lead to the client's host and the mount's prefix. */
export function rewriteAddresses(headers: Headers, target: Target, mount: Mount): void {
  for (const name of URI_FIELDS) {
    const value = headers.get(name);
    const rewritten = value === null ? undefined : publicUri(value, target, mount);
    if (rewritten !== undefined) headers.set(name, rewritten);
  }
  const links = headers.get("Link");
  if (links === null) return;
  const rewritten = links.replaceAll(LINK_TARGETS, (match, uri?: string) => {
    const changed = uri === undefined ? undefined : publicUri(uri, target, mount);
    return changed === undefined ? match : `<${changed}>`;
  });
  if (rewritten !== links) headers.set("Link", rewritten);
}

/** An absolute URI or a network-path reference (RFC 3986, 4.2 and 4.3): authority, and the rest. */
const WITH_AUTHORITY = /^(?:https?:)?\/\/([^/?#\\@]+)($|[/?#].*)$/is;

/**
 * The client's URI of the same resource; undefined if the URI stays as it is. A relative path needs
 * no change: it is relative to the client's own URI.
 */
function publicUri(value: string, target: Target, mount: Mount): string | undefined {
  const [, authority, behind] = WITH_AUTHORITY.exec(value) ?? [];
  if (authority !== undefined && behind !== undefined) {
    if (!isHostOf(authority, mount.origin)) return undefined;
    const rest = underPrefix(behind, mount);
    return rest === undefined ? undefined : `${target.publicOrigin}${rest}`;
  }
  const isPath = value.startsWith("/") && !/^\/[/\\]/.test(value);
  return isPath ? underPrefix(value, mount) : undefined;
}

/** The origin may be asked by https and name itself by http, or the reverse. */
function isHostOf(authority: string, { protocol, host }: URL): boolean {
  const url = `${protocol}//${authority}`;
  return URL.canParse(url) && new URL(url).host === host;
}

/** Replaces the origin's base path by the mount's prefix; undefined if the path is outside it. */
function underPrefix(reference: string, { origin, prefix }: Mount): string | undefined {
  const end = reference.search(/[?#]/);
  const path = end < 0 ? reference : reference.slice(0, end);
  const rest = pathUnder(basePathOf(origin), path);
  if (rest === undefined) return undefined;
  const mapped = `${prefix}${rest}`;
  return `${mapped === "" ? "/" : mapped}${end < 0 ? "" : reference.slice(end)}`;
}
