/** Makes the request fields that the origin gets from those of the client (RFC 9110, 7.6). */
import { acceptEncodingOf } from "../cache/content-coding.ts";
import { isUntrusted } from "../cache/untrusted-fields.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { hopByHop } from "../rfc/stored-fields.ts";
import { forwardsLeft } from "./max-forwards.ts";

/** The name of this cache in Via. */
export const PSEUDONYM = "strata";

/** How often one request may pass this cache. More than once is normal: caches of this kind may be chained. */
const MAX_PASSES = 8;

/** Whether Via shows that the request loops (RFC 9110, 7.6.3). */
export function isLooping(request: Request): boolean {
  const via = request.headers.get("Via");
  return via !== null && via.split(` ${PSEUDONYM}`).length > MAX_PASSES;
}

/** Which request fields of a client the origin gets. */
export interface FieldRules {
  /** Untrusted fields that are forwarded all the same, in lower case. */
  readonly allowed: ReadonlySet<string>;
  /** Fields that are for this Worker alone, in lower case. */
  readonly dropped: ReadonlySet<string>;
  /** The field with the client's address. The network in front of this Worker sets it. */
  readonly addressField: string;
}

export interface FieldRulesOptions {
  readonly forwardFields?: readonly string[];
  readonly dropFields?: readonly string[];
  readonly clientAddressHeader?: string;
}

/** Request fields that are for this Worker and not forwarded. */
const NOT_FORWARDED = ["cf-connecting-ip", "host"] as const;

export function fieldRulesOf(options: FieldRulesOptions = {}): FieldRules {
  const { forwardFields = [], dropFields = [], clientAddressHeader } = options;
  return {
    allowed: new Set(forwardFields.map(lowerCase)),
    dropped: new Set([...NOT_FORWARDED, ...dropFields.map(lowerCase)]),
    addressField: (clientAddressHeader ?? "CF-Connecting-IP").toLowerCase(),
  };
}

const lowerCase = (name: string): string => name.toLowerCase();

/** Request fields to which this cache adds its own part, or which it sets. */
const ADDED = new Set(["via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"]);

function isDropped(name: string, { allowed, dropped }: FieldRules): boolean {
  return dropped.has(name) || (isUntrusted(name) && !allowed.has(name));
}

/** Reads request fields as the origin gets them. `whole` makes a copy of all fields; it is called only for a field that changes. */
export function forwardedReader(
  request: Request,
  rules: FieldRules,
  whole: () => Headers,
): FieldReader {
  const hop = hopByHop(request.headers);
  return {
    get(name) {
      const lower = name.toLowerCase();
      if (ADDED.has(lower) || hop.has(lower) || isDropped(lower, rules)) return whole().get(name);
      return lower === "accept-encoding"
        ? acceptEncodingOf(request, request.headers)
        : request.headers.get(name);
    },
  };
}

/** The client's request fields as the origin gets them. */
export function forwardedHeaders(request: Request, rules: FieldRules): Headers {
  const headers = new Headers(request.headers);
  const url = new URL(request.url);
  const address = addressOf(request.headers, rules);
  for (const name of hopByHop(request.headers)) headers.delete(name);
  for (const name of [...headers.keys()]) if (isDropped(name, rules)) headers.delete(name);
  headers.append("Via", `${receivedProtocol(request)} ${PSEUDONYM}`);
  if (address !== undefined && address !== "") headers.append("X-Forwarded-For", address);
  for (const [name, value] of [
    ["X-Forwarded-Host", url.host],
    ["X-Forwarded-Proto", url.protocol.slice(0, -1)],
  ] as const)
    // A field that is still there is one that the configuration allows.
    if (!headers.has(name)) headers.set(name, value);
  const left = forwardsLeft(request);
  if (left !== undefined) headers.set("Max-Forwards", String(left - 1));
  const acceptEncoding = acceptEncodingOf(request, headers);
  if (acceptEncoding === null) headers.delete("Accept-Encoding");
  else headers.set("Accept-Encoding", acceptEncoding);
  return headers;
}

/** The client's address. A network that appends to a list has appended the last element. */
function addressOf(headers: Headers, { addressField, allowed }: FieldRules): string | undefined {
  const value = headers.get(addressField);
  // The field is forwarded as it is, with this address in it.
  const isForwarded = addressField === "x-forwarded-for" && allowed.has(addressField);
  if (value === null || isForwarded) return undefined;
  return value.slice(value.lastIndexOf(",") + 1).trim();
}

/** The client's HTTP version for Via, which omits the name HTTP (RFC 9110, 7.6.3). */
function receivedProtocol(request: Request): string {
  const protocol = request.cf?.["httpProtocol"];
  const version = typeof protocol === "string" ? /^HTTP\/(\d(?:\.\d)?)$/.exec(protocol) : null;
  return version?.[1] ?? "1.1";
}
