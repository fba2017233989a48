/** Makes the key of a route's response from the parts of the request that the route's rules name. */
import { createBoundedMap } from "../../core/bounded-map.ts";
import { DefinitionError } from "../../core/faults.ts";
import { key as buildKey, MAX_KEY_LENGTH } from "../../core/key.ts";
import { sha256Hex } from "../../core/sha256.ts";
import { trimSpace } from "../rfc/fields.ts";

/**
 * The parts of a request that select the entry of a cached route. The handler sees these parts, and
 * no others.
 */
export interface KeyRules {
  /**
   * The query parameters in the key. Default "all". Their order in the URL does not matter, but the
   * order of several values of one parameter does.
   */
  readonly query?:
    | "all"
    | "none"
    | { readonly only: readonly string[] }
    | { readonly except: readonly string[] };
  /**
   * The request fields in the key, in addition to `Accept`, `Accept-Language` and `Accept-Encoding`,
   * which select variants. Default none.
   */
  readonly headers?: readonly string[];
  /** The names of the cookies in the key. Default none. */
  readonly cookies?: readonly string[];
  /**
   * Whether the scheme and the host are in the key. Default true. With false, the handler sees the
   * URL with the host `unkeyed.invalid`.
   */
  readonly host?: boolean;
  /**
   * The variables of the Hono context in the key, such as `user`. Default none. A variable whose
   * value is neither a text, a number nor a boolean needs a function that returns its part of the
   * key: `{ user: (user: User) => user.id }`.
   */
  readonly variables?: readonly string[] | Readonly<Record<string, (value: never) => string>>;
  /** The members of `request.cf` in the key, such as `country`. Default none. */
  readonly cf?: readonly string[];
}

/** The part of a request's context from which rules make a key. */
export interface KeySource {
  readonly request: Request;
  /** Returns the value of a variable of the Hono context. */
  readonly variable: (name: string) => unknown;
}

/** The most URLs whose keys a route remembers. */
const MAX_REMEMBERED = 1_000;

/**
 * Creates the function that makes the keys of one route. For a URL that was used recently it
 * returns the key without a promise.
 */
export function createRouteKeys(rules: KeyRules): (source: KeySource) => Promise<string> | string {
  const { headers = [], cookies = [], variables = [], cf = [] } = rules;
  const more = headers.length + cookies.length + Object.keys(variables).length + cf.length;
  if (more > 0) return (source) => routeKey(source, rules);
  const remembered = createBoundedMap<string, string>(MAX_REMEMBERED);
  return (source) => {
    const { url } = source.request;
    return remembered.get(url) ?? routeKey(source, rules).then((key) => remember(url, key));
  };

  function remember(url: string, key: string): string {
    if (url.length <= MAX_KEY_LENGTH) remembered.set(url, key);
    return key;
  }
}

/** Returns the key that the rules make from the request, or a hash of it if the key would be too long. */
async function routeKey(source: KeySource, rules: KeyRules): Promise<string> {
  const url = new URL(source.request.url);
  const parts = [url.pathname, keyedQuery(url.search, rules), ...extraParts(source, url, rules)];
  const length = parts.reduce((sum, part) => sum + encodeURIComponent(part).length + 1, 6);
  if (length <= MAX_KEY_LENGTH - VARIANT_SUFFIX_LENGTH) return buildKey("route", ...parts);
  return buildKey("route", `sha256-${await sha256Hex(JSON.stringify(parts))}`);
}

/** The most characters that `variantKey` appends to a key. */
const VARIANT_SUFFIX_LENGTH = 50;

/**
 * Returns the query with the parameters that the rules name, sorted by name. The text of each
 * parameter stays as the client sent it, because decoding loses bytes that are not UTF-8.
 */
export function keyedQuery(search: string, { query = "all" }: KeyRules): string {
  const kept = search
    .slice(1)
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => ({ pair, name: nameOfParameter(pair) }))
    .filter(({ name }) => isKeyed(name, query))
    .toSorted((one, other) => (one.name < other.name ? -1 : Number(one.name > other.name)));
  return kept.length === 0 ? "" : `?${kept.map(({ pair }) => pair).join("&")}`;
}

/** Returns the decoded name of a parameter. */
function nameOfParameter(pair: string): string {
  const [raw = ""] = pair.split("=", 1);
  if (!/[%+]/.test(raw)) return raw;
  return [...new URLSearchParams(raw).keys()][0] ?? "";
}

/** Whether the rule names a query parameter. */
export function isKeyed(name: string, query: NonNullable<KeyRules["query"]>): boolean {
  if (typeof query === "string") return query === "all";
  return "only" in query ? query.only.includes(name) : !query.except.includes(name);
}

function extraParts({ request, variable }: KeySource, url: URL, rules: KeyRules): string[] {
  const { headers = [], cookies = [], host = true, variables = [], cf = [] } = rules;
  const parts: string[] = [];
  if (host) parts.push(url.origin);
  if (headers.length > 0)
    parts.push(
      JSON.stringify(headers.map((name) => [name.toLowerCase(), request.headers.get(name)])),
    );
  if (cookies.length > 0) parts.push(keyedCookies(request.headers, cookies));
  if (Object.keys(variables).length > 0)
    parts.push(JSON.stringify(keyedVariables(variables, variable)));
  if (cf.length > 0) parts.push(JSON.stringify(cf.map((name) => [name, request.cf?.[name]])));
  return parts;
}

/** Returns the cookies with these names, sorted by name. Cookies of one name keep their order. */
export function keyedCookies(headers: Headers, names: readonly string[]): string {
  return splitCookies(headers.get("Cookie"))
    .map((pair) => ({ pair, name: trimSpace(pair.split("=", 1)[0] ?? "") }))
    .filter(({ pair, name }) => pair.includes("=") && names.includes(name))
    .toSorted((one, other) => (one.name < other.name ? -1 : Number(one.name > other.name)))
    .map(({ pair }) => pair)
    .join("; ");
}

/** Returns the pairs of a Cookie field. A quote has no meaning in it (RFC 6265, 4.2.1). */
export function splitCookies(field: string | null): string[] {
  return (field ?? "")
    .split(";")
    .map(trimSpace)
    .filter((pair) => pair !== "");
}

/** Returns the named variables with the texts that stand for their values in the key. */
export function keyedVariables(
  variables: NonNullable<KeyRules["variables"]>,
  variable: KeySource["variable"],
): (readonly [name: string, type: string, text: string])[] {
  if (isListOfNames(variables))
    return variables.map((name) => {
      const value = variable(name);
      if (value !== null && (typeof value === "object" || typeof value === "function"))
        throw new DefinitionError(
          "key",
          `the variable "${name}" is an object; name its part of the key: { ${name}: (value) => value.id }`,
        );
      return [name, value === null ? "null" : typeof value, String(value)];
    });
  return Object.entries(variables).map(([name, toText]) => {
    const text: unknown = toText(variable(name) as never);
    if (typeof text !== "string")
      throw new DefinitionError("key", `the function of the variable "${name}" returned no text`);
    return [name, "text", text];
  });
}

function isListOfNames(
  variables: NonNullable<KeyRules["variables"]>,
): variables is readonly string[] {
  return Array.isArray(variables);
}
