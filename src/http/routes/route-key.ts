/** What of a request names a route's response, and what its handler may see of the rest. */
import { createBoundedMap } from "../../core/bounded-map.ts";
import { key as buildKey, MAX_KEY_LENGTH } from "../../core/key.ts";
import { CONDITIONAL } from "../rfc/validation.ts";
import { splitList } from "../rfc/fields.ts";
import { UNTRUSTED_FIELDS } from "../cache/untrusted-fields.ts";
import { sha256Hex } from "../../core/sha256.ts";

export interface KeyRules {
  /** Query parameters that tell responses apart. Default "all"; their order never does. */
  readonly query?:
    | "all"
    | "none"
    | { readonly only: readonly string[] }
    | { readonly except: readonly string[] };
  /** Request fields that tell responses apart, beside those that a response's Vary names. */
  readonly headers?: readonly string[];
  /** Cookies that do. */
  readonly cookies?: readonly string[];
  /** Whether responses differ by host. Default false. */
  readonly host?: boolean;
}

/** URLs whose keys are remembered, for each route. */
const MAX_REMEMBERED = 1_000;

/** The keys of one route. Of a URL that was seen lately the key is there at once. */
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

/** The key by the rules; hashed where it would be too long. */
async function routeKey(request: Request, rules: KeyRules): Promise<string> {
  const url = new URL(request.url);
  const query = keyedQuery(url.searchParams, rules);
  const parts = [url.pathname, query === "" ? "" : `?${query}`, ...extras(request, url, rules)];
  const length = parts.reduce((sum, part) => sum + encodeURIComponent(part).length + 1, 6);
  if (length <= MAX_KEY_LENGTH - VARIANT_ROOM) return buildKey("route", ...parts);
  return buildKey("route", `sha256-${await sha256Hex(JSON.stringify(parts))}`);
}

/** Room for the suffix that tells variants apart. */
const VARIANT_ROOM = 50;

function keyedQuery(given: URLSearchParams, { query = "all" }: KeyRules): string {
  const kept = new URLSearchParams([...given].filter(([name]) => isKeyed(name, query)));
  kept.sort();
  return kept.toString();
}

function isKeyed(name: string, query: NonNullable<KeyRules["query"]>): boolean {
  if (typeof query === "string") return query === "all";
  return "only" in query ? query.only.includes(name) : !query.except.includes(name);
}

function extras(
  request: Request,
  url: URL,
  { headers = [], cookies = [], host }: KeyRules,
): string[] {
  const more: string[] = [];
  if (host === true) more.push(url.host);
  if (headers.length > 0)
    more.push(
      JSON.stringify(headers.map((name) => [name.toLowerCase(), request.headers.get(name)])),
    );
  if (cookies.length > 0) more.push(keyedCookies(request, cookies));
  return more;
}

function keyedCookies(request: Request, names: readonly string[]): string {
  return splitList(request.headers.get("Cookie") ?? "", ";")
    .filter((pair) => names.includes(pair.slice(0, pair.indexOf("="))))
    .toSorted()
    .join("; ");
}

/**
 * The request as the handler of a shared response sees it: without what does not
 * name the response. What the handler cannot see, one client cannot write into
 * the response of all others, and no client's own data can get into it.
 */
export function sharedRequest(request: Request, rules: KeyRules): Request {
  const url = new URL(request.url);
  const { query = "all", headers: keyed = [], cookies = [] } = rules;
  if (query !== "all")
    for (const name of [...url.searchParams.keys()])
      if (!isKeyed(name, query)) url.searchParams.delete(name);
  const headers = new Headers(request.headers);
  const named = new Set(keyed.map((name) => name.toLowerCase()));
  for (const name of [...UNTRUSTED_FIELDS, ...CONDITIONAL])
    if (!named.has(name)) headers.delete(name);
  const shown = keyedCookies(request, cookies);
  if (shown !== "") headers.set("Cookie", shown);
  else if (!named.has("cookie")) headers.delete("Cookie");
  // The first copy keeps what the platform knows of the request, request.cf above all.
  return new Request(new Request(url, request), { headers });
}
