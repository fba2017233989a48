/** What a response says of its own caching, from whichever field counts for this cache. */
import { parseDirectives, qualifiedBy, secondsOf } from "./directives.ts";
import { fieldNames, type FieldReader } from "./fields.ts";
import { parseDictionary, type Member } from "./structured-fields.ts";

export interface ResponseControl {
  /** `targeted`: CDN-Cache-Control, which replaces Cache-Control and Expires (RFC 9213, 2.2). */
  readonly source: "targeted" | "plain";
  readonly noStore: boolean;
  /** True: the whole response; names: those fields. */
  readonly private: true | readonly string[] | undefined;
  readonly noCache: true | readonly string[] | undefined;
  readonly public: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly maxAge: number | undefined;
  readonly sMaxAge: number | undefined;
  readonly staleWhileRevalidate: number | undefined;
  readonly staleIfError: number | undefined;
}

export function controlOf(headers: FieldReader): ResponseControl {
  const targeted = headers.get("CDN-Cache-Control");
  return (targeted === null ? undefined : targetedControl(targeted)) ?? plainControl(headers);
}

function plainControl(headers: FieldReader): ResponseControl {
  const directives = parseDirectives(headers.get("Cache-Control"));
  const has = (name: string): boolean => directives.has(name);
  return {
    source: "plain",
    noStore: has("no-store"),
    private: qualifiedBy(directives, "private"),
    noCache: qualifiedBy(directives, "no-cache"),
    public: has("public"),
    mustRevalidate: has("must-revalidate"),
    proxyRevalidate: has("proxy-revalidate"),
    mustUnderstand: has("must-understand"),
    maxAge: secondsOf(directives, "max-age"),
    sMaxAge: secondsOf(directives, "s-maxage"),
    staleWhileRevalidate: secondsOf(directives, "stale-while-revalidate"),
    staleIfError: secondsOf(directives, "stale-if-error"),
  };
}

/** A dictionary of directives (RFC 9213, 2.1); undefined if it is empty or does not parse: then it does not count. */
function targetedControl(text: string): ResponseControl | undefined {
  const dictionary = parseDictionary(text);
  if (dictionary === undefined || dictionary.size === 0) return undefined;
  const has = (name: string): boolean => {
    const member = dictionary.get(name);
    return member !== undefined && !(member.type === "boolean" && !member.value);
  };
  const seconds = (name: string): number | undefined => secondsOfMember(dictionary.get(name));
  return {
    source: "targeted",
    noStore: has("no-store"),
    private: has("private") ? qualifiedByMember(dictionary.get("private")) : undefined,
    noCache: has("no-cache") ? qualifiedByMember(dictionary.get("no-cache")) : undefined,
    public: has("public"),
    mustRevalidate: has("must-revalidate"),
    proxyRevalidate: has("proxy-revalidate"),
    mustUnderstand: has("must-understand"),
    maxAge: seconds("max-age"),
    sMaxAge: seconds("s-maxage"),
    staleWhileRevalidate: seconds("stale-while-revalidate"),
    staleIfError: seconds("stale-if-error"),
  };
}

/** A member of another type is as if it were not there (RFC 9213, 2.1). */
function secondsOfMember(member: Member | undefined): number | undefined {
  if (member?.type !== "integer") return undefined;
  return Math.min(Math.max(0, member.value), 2 ** 31);
}

function qualifiedByMember(member: Member | undefined): true | readonly string[] {
  const names =
    member?.type === "string" || member?.type === "token" ? fieldNames(member.value) : [];
  return names.length === 0 ? true : names;
}
