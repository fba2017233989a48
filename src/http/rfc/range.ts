/** Range requests, and parts of a representation (RFC 9110, 14; RFC 9111, 3.3 and 3.4). */
import { stronglyEqual } from "./conditional.ts";
import { parseDate } from "../../core/http-date.ts";
import { splitList, trimSpace, type FieldReader } from "./fields.ts";
import type { EpochMs } from "../../core/time.ts";

/** One range in a request: bytes `first` to `last`, or the last `suffix` bytes. */
export type RangeSpec =
  | { readonly first: number; readonly last: number | undefined }
  | { readonly suffix: number };

/** Bytes `first` to `last`, both inclusive. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/** The bytes of a representation that a body contains. */
export interface Part extends Span {
  /** The length of the whole representation. */
  readonly total: number;
}

/**
 * The most ranges of a request. A request for more is an attack or an error, so the whole
 * representation is the answer (RFC 9110, 14.2 and 17.15).
 */
const MAX_RANGES = 16;

/**
 * Parses Range. Undefined if the field is malformed, too long or in another unit; the field is then
 * ignored (RFC 9110, 14.2).
 */
export function parseRange(value: string | null): readonly RangeSpec[] | undefined {
  if (value === null || value.length > 1_024) return undefined;
  const match = /^bytes=(.*)$/i.exec(trimSpace(value));
  if (match === null) return undefined;
  const specs: RangeSpec[] = [];
  for (const text of splitList(match[1] ?? "")) {
    // The numerals may have any length. A numeral that is too large for a number is past the end of
    // every representation.
    const parts = /^(\d*)-(\d*)$/.exec(text);
    if (parts === null) return undefined;
    const [, first = "", last = ""] = parts;
    if (first === "" && last === "") return undefined;
    if (first === "") specs.push({ suffix: Number(last) });
    else if (last !== "" && Number(last) < Number(first)) return undefined;
    else specs.push({ first: Number(first), last: last === "" ? undefined : Number(last) });
  }
  return specs.length === 0 || specs.length > MAX_RANGES ? undefined : specs;
}

/**
 * Returns the bytes that a range selects from a representation of `total` bytes; undefined if the
 * range is unsatisfiable (RFC 9110, 14.1.2).
 */
export function resolveRange(spec: RangeSpec, total: number): Span | undefined {
  if ("suffix" in spec) {
    if (spec.suffix === 0 || total === 0) return undefined;
    return { first: Math.max(0, total - spec.suffix), last: total - 1 };
  }
  if (spec.first >= total) return undefined;
  return { first: spec.first, last: Math.min(spec.last ?? total - 1, total - 1) };
}

/**
 * Returns the bytes that the ranges select, each byte once. Ranges that overlap or touch become one
 * span, in the position of the first of them (RFC 9110, 15.3.7.2). Empty if all ranges are
 * unsatisfiable.
 */
export function resolveRanges(specs: readonly RangeSpec[], total: number): readonly Span[] {
  const ascending = specs
    .map((spec) => resolveRange(spec, total))
    .filter((span) => span !== undefined)
    .map((span, position) => ({ ...span, position }))
    .toSorted((one, other) => one.first - other.first);
  const disjoint: typeof ascending = [];
  for (const next of ascending) {
    const before = disjoint.at(-1);
    if (before === undefined || before.last + 1 < next.first) disjoint.push(next);
    else {
      const last = Math.max(before.last, next.last);
      const position = Math.min(before.position, next.position);
      disjoint[disjoint.length - 1] = { first: before.first, last, position };
    }
  }
  return disjoint
    .toSorted((one, other) => one.position - other.position)
    .map(({ first, last }) => ({ first, last }));
}

/** Parses `Content-Range: bytes 0-9/100`. Undefined if it has no range, has no total, or is contradictory. */
export function parseContentRange(value: string | null): Part | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(trimSpace(value ?? ""));
  if (match === null) return undefined;
  const [first, last, total] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return first <= last && last < total ? { first, last, total } : undefined;
}

export function formatContentRange(span: Span, total: number): string {
  return `bytes ${span.first}-${span.last}/${total}`;
}

/** The digests of one message's content. They are wrong for other parts of the representation (RFC 9530, 2). */
export const CONTENT_DIGESTS = ["content-digest", "content-md5"] as const;

/**
 * The fields of the stored response that a 416 must not repeat, because a cache downstream would
 * use them to store the 416.
 */
const NOT_ON_416 = new Set([
  "age",
  "cache-control",
  "cache-tag",
  "cdn-cache-control",
  "etag",
  "expires",
  "last-modified",
  "set-cookie",
]);

/** Returns whether a 416 repeats the field of the stored response. */
export function isOn416(name: string): boolean {
  return !NOT_ON_416.has(name) && !name.startsWith("content-");
}

/** Returns whether `outer` contains all bytes of `inner`. */
export function covers(outer: Span, inner: Span): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

/**
 * Returns whether If-Range allows an answer with the range of this representation (RFC 9110,
 * 13.1.5): its entity tag matches strongly, or its date equals a Last-Modified that is a strong
 * validator.
 */
export function ifRangeHolds(ifRange: string | null, stored: FieldReader, now: EpochMs): boolean {
  if (ifRange === null) return true;
  const text = trimSpace(ifRange);
  if (text.endsWith('"')) {
    const etag = stored.get("ETag");
    return etag !== null && stronglyEqual(text, etag);
  }
  const modified = stored.get("Last-Modified");
  const modifiedAt = parseDate(modified, now);
  const date = parseDate(stored.get("Date"), now);
  if (modifiedAt === undefined || parseDate(text, now) !== modifiedAt) return false;
  // RFC 9110, 8.8.2.2: Last-Modified is strong if it is at least one second older than Date.
  return date !== undefined && date - modifiedAt >= 1_000;
}

/** Returns whether parts with these entity tags belong to the same representation (RFC 9111, 3.4). */
export function mayCombine(one: string | null, other: string | null): boolean {
  return one !== null && other !== null && stronglyEqual(one, other);
}

/**
 * Joins two parts that touch or overlap; undefined if they do neither. Bytes that both parts have
 * are taken from the newer part.
 */
export function joinParts(
  older: { readonly part: Part; readonly bytes: Uint8Array },
  newer: { readonly part: Part; readonly bytes: Uint8Array },
): { readonly part: Part; readonly bytes: Uint8Array } | undefined {
  const { total } = newer.part;
  if (older.part.total !== total) return undefined;
  if (older.part.last + 1 < newer.part.first || newer.part.last + 1 < older.part.first)
    return undefined;
  const first = Math.min(older.part.first, newer.part.first);
  const last = Math.max(older.part.last, newer.part.last);
  const bytes = new Uint8Array(last - first + 1);
  bytes.set(older.bytes, older.part.first - first);
  bytes.set(newer.bytes, newer.part.first - first);
  return { part: { first, last, total }, bytes };
}
