/** The parts of a request that a route's key names, and the request that has only these parts. */
import { keysOf, tenantIn } from "../../core/key.ts";
import {
  isKeyed,
  keyedCookies,
  keyedQuery,
  keyedVariables,
  type KeyRules,
  type KeySource,
} from "./route-key.ts";

/** The parts of one request that the handler of a cached route may see. */
export interface NamedParts {
  /** The request without all that the key does not name. Its method is GET, and it has no body. */
  readonly request: Request;
  /** Whether the key names the path. */
  readonly path: boolean;
  param(name: string): boolean;
  variable(name: string): boolean;
  /** Whether the key names a member of a variable that is an object. */
  member(variable: string, member: string): boolean;
  /** Whether the key names a member of what a validator before `cached()` returned. */
  validated(target: string, member: string): boolean;
  /** Fields in lower case, of whose value the key tells only a part, such as whether it is there. */
  readonly halfNamed: ReadonlySet<string>;
  tenant(tenant: string): boolean;
  /** False if the key is not the same each time that it is made from this request. */
  readonly isStable: boolean;
}

/** The fields that every handler sees, because they select variants of the response. In lower case. */
export const NEGOTIATED_FIELDS: readonly string[] = [
  "accept",
  "accept-encoding",
  "accept-language",
];

/** The origin in the URL that a handler sees if the key does not name the host (RFC 6761, 6.4). */
export const UNKEYED_ORIGIN = "https://unkeyed.invalid";

/** Creates a request for a handler. It is not the client's: the client's abort does not end it. */
export function createHandlerRequest(
  url: string,
  headers: Headers,
  cf: Readonly<Record<string, unknown>> | undefined,
): Request {
  const init: RequestInit = { headers, redirect: "manual" };
  return new Request(url, cf === undefined ? init : { ...init, cf });
}

/** Returns the members of `request.cf` with these names; undefined if it has none of them. */
export function pickCf(
  cf: Readonly<Record<string, unknown>> | undefined,
  names: Iterable<string>,
): Readonly<Record<string, unknown>> | undefined {
  const picked = [...names].flatMap((name) =>
    cf?.[name] === undefined ? [] : [[name, cf[name]] as const],
  );
  return picked.length === 0 ? undefined : Object.fromEntries(picked);
}

/** Copies the fields that are present. */
export function pickFields(from: Headers, names: Iterable<string>): Headers {
  const picked = new Headers();
  for (const name of names) {
    const value = from.get(name);
    if (value !== null) picked.set(name, value);
  }
  return picked;
}

/** Returns the parts that rules name. */
export function partsNamedByRules({ request, variable }: KeySource, rules: KeyRules): NamedParts {
  const { query = "all", headers = [], cookies = [], host = true, variables = [], cf = [] } = rules;
  const named = new Set(headers.map((name) => name.toLowerCase()));
  const fields = pickFields(request.headers, [...NEGOTIATED_FIELDS, ...named]);
  const cookie = keyedCookies(request.headers, cookies);
  if (cookie !== "" && !named.has("cookie")) fields.set("Cookie", cookie);
  const { origin, host: urlHost, pathname, search } = new URL(request.url);
  // The key has the host of the URL, from which the field can differ (RFC 9112, 3.2.2).
  if (host && !named.has("host")) fields.set("Host", urlHost);
  const url = `${host ? origin : UNKEYED_ORIGIN}${pathname}${keyedQuery(search, rules)}`;
  const values = keyedVariables(variables, variable);
  return {
    request: createHandlerRequest(url, fields, pickCf(request.cf, cf)),
    path: true,
    param: () => true,
    variable: (name) => values.some(([each]) => each === name),
    // The developer has said which part of the variable stands for the whole.
    member: () => true,
    validated(target, member) {
      if (target === "query") return isKeyed(member, query);
      if (target === "header") return named.has(member.toLowerCase());
      if (target === "cookie") return named.has("cookie") || cookies.includes(member);
      return target === "param";
    },
    halfNamed: new Set(),
    tenant: (tenant) => values.some(([, , text]) => text !== "" && writtenTenant(text) === tenant),
    isStable: true,
  };
}

/** Returns a tenant as keys write it. */
function writtenTenant(tenant: string): string | undefined {
  return tenant.length > MAX_TENANT_LENGTH ? undefined : tenantIn(keysOf({ tenant })("tenant", 0));
}

/** A longer tenant, in which each character may become nine, is in no key of 512 characters. */
const MAX_TENANT_LENGTH = 50;
