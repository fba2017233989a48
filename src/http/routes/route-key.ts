/** Makes the key of a route's response, and the request that the handler gets when its response is shared. */
import { createBoundedMap } from "../../core/bounded-map.ts";
import { key as buildKey, MAX_KEY_LENGTH } from "../../core/key.ts";
import { sha256Hex } from "../../core/sha256.ts";
import { isUntrusted } from "../cache/untrusted-fields.ts";
import { splitList } from "../rfc/fields.ts";
import { CONDITIONAL_FIELDS } from "../rfc/validation.ts";

/** The parts of a request that select the entry of a cached route. */
export interface KeyRules {
  /** The query parameters in the key. Default "all". Their order in the URL does not matter. */
  readonly query?:
    | "all"
    | "none"
    | { readonly only: readonly string[] }
    | { readonly except: readonly string[] };
  /** The request fields in the key, in addition to those that a response's Vary names. Default none. */
  readonly headers?: readonly string[];
  /** The names of the cookies in the key. Default none. */
  readonly cookies?: readonly string[];
  /** Whether the host is in the key. Default false. */
  readonly host?: boolean;
}

/** The most URLs whose keys a route remembers. */
const MAX_REMEMBERED = 1_000;

/**
 * Creates the function that makes the keys of one route. For a URL that was used recently it
 * returns the key without a promise.
 */
export function createRouteKeys(rules: KeyRules): (request: Request) => Promise<string> | string {
  const { headers = [], cookies = [] } = rules;
  if (headers.length > 0 || cookies.length > 0) return (request) => routeKey(request, rules);
  const remembered = createBoundedMap<string, string>(MAX_REMEMBERED);
  return (request) => {
    const { url } = request;
    return remembered.get(url) ?? routeKey(request, rules).then((key) => remember(url, key));
  };

  function remember(url: string, key: string): string {
    if (url.length <= MAX_KEY_LENGTH) remembered.set(url, key);
    return key;
  }
}

/** Returns the key that the rules make from the request, or a hash of it if the key would be too long. */
async function routeKey(request: Request, rules: KeyRules): Promise<string> {
  const url = new URL(request.url);
  const query = keyedQuery(url.searchParams, rules);
  const parts = [url.pathname, query === "" ? "" : `?${query}`, ...extraParts(request, url, rules)];
  const length = parts.reduce((sum, part) => sum + encodeURIComponent(part).length + 1, 6);
  if (length <= MAX_KEY_LENGTH - VARIANT_SUFFIX_LENGTH) return buildKey("route", ...parts);
  return buildKey("route", `sha256-${await sha256Hex(JSON.stringify(parts))}`);
}

/** The most characters that `variantKey` appends to a key. */
const VARIANT_SUFFIX_LENGTH = 50;

function keyedQuery(given: URLSearchParams, { query = "all" }: KeyRules): string {
  const kept = new URLSearchParams([...given].filter(([name]) => isKeyed(name, query)));
  kept.sort();
  return kept.toString();
}

function isKeyed(name: string, query: NonNullable<KeyRules["query"]>): boolean {
  if (typeof query === "string") return query === "all";
  return "only" in query ? query.only.includes(name) : !query.except.includes(name);
}

function extraParts(
  request: Request,
  url: URL,
  { headers = [], cookies = [], host }: KeyRules,
): string[] {
  const parts: string[] = [];
  if (host === true) parts.push(url.host);
  if (headers.length > 0)
    parts.push(
      JSON.stringify(headers.map((name) => [name.toLowerCase(), request.headers.get(name)])),
    );
  if (cookies.length > 0) parts.push(keyedCookies(request, cookies));
  return parts;
}

function keyedCookies(request: Request, names: readonly string[]): string {
  return splitList(request.headers.get("Cookie") ?? "", ";")
    .filter((pair) => names.includes(pair.slice(0, pair.indexOf("="))))
    .toSorted()
    .join("; ");
}

/**
 * Returns the request without everything that is not in the key: parameters, cookies, conditions
 * and untrusted fields. So no client can put its own data into the response that all clients share.
 */
export function sharedRequest(request: Request, rules: KeyRules): Request {
  const url = new URL(request.url);
  const { query = "all", headers: keyed = [], cookies = [] } = rules;
  if (query !== "all")
    for (const name of [...url.searchParams.keys()])
      if (!isKeyed(name, query)) url.searchParams.delete(name);
  const headers = new Headers(request.headers);
  const keyedFields = new Set(keyed.map((name) => name.toLowerCase()));
  for (const name of [...headers.keys()])
    if (isUntrusted(name) && !keyedFields.has(name)) headers.delete(name);
  for (const name of CONDITIONAL_FIELDS) if (!keyedFields.has(name)) headers.delete(name);
  const cookie = keyedCookies(request, cookies);
  if (cookie !== "") headers.set("Cookie", cookie);
  else if (!keyedFields.has("cookie")) headers.delete("Cookie");
  // The inner copy keeps what the platform has attached to the request, such as request.cf.
  return new Request(new Request(url, request), { headers });
}
