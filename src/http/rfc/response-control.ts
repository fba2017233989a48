/** The cache directives of a response, from CDN-Cache-Control or Cache-Control. */
import {
  deltaSecondsOf,
  isPlain,
  parseDeltaSeconds,
  parseDirectives,
  qualifyingNames,
  type Directives,
} from "./directives.ts";
import { parseFieldNames, type FieldReader } from "./fields.ts";
import { parseDictionary, type Member } from "./structured-fields.ts";

export interface ResponseControl {
  /** `targeted` means CDN-Cache-Control, which replaces Cache-Control and Expires (RFC 9213, 2.2). */
  readonly source: "targeted" | "plain";
  readonly noStore: boolean;
  /** True for the whole response, or the names of the fields that the directive applies to. */
  readonly private: true | readonly string[] | undefined;
  readonly noCache: true | readonly string[] | undefined;
  /** True only if the directive is well-formed, since it permits something. */
  readonly public: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  /** Seconds, like the members below; undefined if the directive is absent. */
  readonly maxAge: number | undefined;
  readonly sMaxAge: number | undefined;
  readonly staleWhileRevalidate: number | undefined;
  readonly staleIfError: number | undefined;
  /** The well-formed directives that RFC 9111, 3.5 takes for a permission to share. A malformed one only restricts. */
  readonly permissions: readonly Permission[];
}

export type Permission = "public" | "must-revalidate" | "s-maxage";

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
    public: isPlain(directives, "public"),
    mustRevalidate: has("must-revalidate"),
    proxyRevalidate: has("proxy-revalidate"),
    mustUnderstand: isPlain(directives, "must-understand"),
    maxAge: deltaSecondsOf(directives, "max-age"),
    sMaxAge: deltaSecondsOf(directives, "s-maxage"),
    staleWhileRevalidate: deltaSecondsOf(directives, "stale-while-revalidate"),
    staleIfError: deltaSecondsOf(directives, "stale-if-error"),
    permissions: PLAIN_PERMISSIONS.filter((name) => isPermission(directives, name)),
  };
}

const PLAIN_PERMISSIONS = ["public", "must-revalidate", "s-maxage"] as const;

function isPermission(directives: Directives, name: Permission): boolean {
  if (name !== "s-maxage") return isPlain(directives, name);
  const values = directives.get(name) ?? [];
  return values.length > 0 && values.every((value) => parseDeltaSeconds(value) !== undefined);
}

/** Undefined if the field is empty or malformed: the cache then ignores it (RFC 9213, 2.1). */
function targetedControl(text: string): ResponseControl | undefined {
  const dictionary = parseDictionary(text);
  if (dictionary === undefined || dictionary.size === 0) return undefined;
  const has = (name: string): boolean => {
    const member = dictionary.get(name);
    return member !== undefined && !(member.type === "boolean" && !member.value);
  };
  const isTrue = (name: string): boolean => dictionary.get(name)?.type === "boolean" && has(name);
  const seconds = (name: string): number | undefined => secondsOfMember(dictionary.get(name));
  return {
    source: "targeted",
    noStore: has("no-store"),
    private: has("private") ? qualifyingNamesOfMember(dictionary.get("private")) : undefined,
    noCache: has("no-cache") ? qualifyingNamesOfMember(dictionary.get("no-cache")) : undefined,
    public: isTrue("public"),
    mustRevalidate: has("must-revalidate"),
    proxyRevalidate: has("proxy-revalidate"),
    mustUnderstand: isTrue("must-understand"),
    maxAge: seconds("max-age"),
    sMaxAge: seconds("s-maxage"),
    staleWhileRevalidate: seconds("stale-while-revalidate"),
    staleIfError: seconds("stale-if-error"),
    permissions: PLAIN_PERMISSIONS.filter((name) =>
      name === "s-maxage" ? seconds(name) !== undefined : isTrue(name),
    ),
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
