/** The cache directives of a response, from CDN-Cache-Control or Cache-Control. */
import { deltaSecondsOf, parseDirectives, qualifyingNames } from "./directives.ts";
import { parseFieldNames, type FieldReader } from "./fields.ts";
import { parseDictionary, type Member } from "./structured-fields.ts";

export interface ResponseControl {
  /** `targeted` means CDN-Cache-Control, which replaces Cache-Control and Expires (RFC 9213, 2.2). */
  readonly source: "targeted" | "plain";
  readonly noStore: boolean;
  /** True for the whole response, or the names of the fields that the directive applies to. */
  readonly private: true | readonly string[] | undefined;
  readonly noCache: true | readonly string[] | undefined;
  readonly public: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  /** Seconds, like the members below; undefined if the directive is absent. */
  readonly maxAge: number | undefined;
  readonly sMaxAge: number | undefined;
  readonly staleWhileRevalidate: number | undefined;
  readonly staleIfError: number | undefined;
}

export function responseControlOf(headers: FieldReader): ResponseControl {
  const targeted = headers.get("CDN-Cache-Control");
  return (targeted === null ? undefined : targetedControl(targeted)) ?? plainControl(headers);
}

function plainControl(headers: FieldReader): ResponseControl {
  const directives = parseDirectives(headers.get("Cache-Control"));
  const has = (name: string): boolean => directives.has(name);
  return {
    source: "plain",
    noStore: has("no-store"),
    private: qualifyingNames(directives, "private"),
    noCache: qualifyingNames(directives, "no-cache"),
    public: has("public"),
    mustRevalidate: has("must-revalidate"),
    proxyRevalidate: has("proxy-revalidate"),
    mustUnderstand: has("must-understand"),
    maxAge: deltaSecondsOf(directives, "max-age"),
    sMaxAge: deltaSecondsOf(directives, "s-maxage"),
    staleWhileRevalidate: deltaSecondsOf(directives, "stale-while-revalidate"),
    staleIfError: deltaSecondsOf(directives, "stale-if-error"),
  };
}

/** Undefined if the field is empty or malformed: the cache then ignores it (RFC 9213, 2.1). */
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
    private: has("private") ? qualifyingNamesOfMember(dictionary.get("private")) : undefined,
    noCache: has("no-cache") ? qualifyingNamesOfMember(dictionary.get("no-cache")) : undefined,
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

/** RFC 9213, 2.1: a member of the wrong type is ignored. */
function secondsOfMember(member: Member | undefined): number | undefined {
  if (member?.type !== "integer") return undefined;
  return Math.min(Math.max(0, member.value), 2 ** 31);
}

function qualifyingNamesOfMember(member: Member | undefined): true | readonly string[] {
  const names =
    member?.type === "string" || member?.type === "token" ? parseFieldNames(member.value) : [];
  return names.length === 0 ? true : names;
}
