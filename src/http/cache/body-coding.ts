/** Tells whether the bytes of a response still have the coding that Content-Encoding names. */
import { CONTENT_DIGESTS } from "../rfc/range.ts";
import { textOf } from "./text-bytes.ts";

/**
 * - `named`: the bytes are as Content-Encoding says, or there is no such field
 * - `decoded`: the platform has decoded the bytes, so that the field is wrong for them
 * - `unknown`: the bytes could be either
 */
export type BodyCoding = "named" | "decoded" | "unknown";

/**
 * The platform decodes the bodies of `fetch()` when they are read, and keeps the fields. A handler
 * can also encode a body itself (`encodeBody: "manual"`). The platform tells no program which of
 * both a response is, so the bytes decide. The platform has only these codings, and leaves others
 * as they are.
 */
export function codingOf(headers: Headers, bytes: Uint8Array): BodyCoding {
  const coding = headers.get("Content-Encoding");
  if (coding === "br") return isCertainlyText(bytes) ? "decoded" : "unknown";
  if (coding !== "gzip") return "named";
  if (!startsWith(bytes, GZIP_MAGIC)) return "decoded";
  // A compressed file has the same first bytes after it has been decoded.
  return isPlainType(headers.get("Content-Type")) ? "named" : "unknown";
}

/** Returns the fields that are right for the decoded bytes. A strong entity tag names the encoded ones (RFC 9110, 8.8.1). */
export function fieldsOfDecoded(fields: readonly [string, string][]): [string, string][] {
  return fields.filter(
    ([name, value]) =>
      !OF_ENCODED.has(name) && (name !== "etag" || value.trimStart().startsWith("W/")),
  );
}

const OF_ENCODED: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-length",
  "repr-digest",
  ...CONTENT_DIGESTS,
]);

/** RFC 1952, 2.3.1, with the only compression method. */
const GZIP_MAGIC = [0x1f, 0x8b, 0x08];

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, at) => bytes[at] === byte);
}

/** Whether the media type is one whose decoded bytes never are gzip. */
function isPlainType(type: string | null): boolean {
  return type !== null && /^[ \t]*(?:text\/|[^;]*[/+](?:json|xml|javascript)\b)/i.test(type);
}

/** Compressed bytes look like text once in 10^12 times if they are at least so many. */
const MIN_TEXT_BYTES = 32;

// oxlint-disable-next-line no-control-regex -- text has none of these characters, compressed bytes do
const NO_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** Brotli has no first bytes of its own. Its bytes are nearly random, and so neither UTF-8 nor free of control characters. */
function isCertainlyText(bytes: Uint8Array): boolean {
  if (bytes.byteLength < MIN_TEXT_BYTES) return false;
  const text = textOf(bytes);
  return text !== undefined && !NO_TEXT.test(text);
}
