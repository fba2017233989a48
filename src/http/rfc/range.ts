/** Range requests against what is stored (RFC 9110, 14; RFC 9111, 3.3 and 3.4). */
import { stronglyEqual } from "./conditional.ts";
import { parseDate } from "./dates.ts";
import { splitList, trimSpace, type FieldReader } from "./fields.ts";
import type { EpochMs } from "../../core/time.ts";

/** One range as it is asked for; `first` undefined: the last `suffix` bytes. */
export type RangeSpec =
  | { readonly first: number; readonly last: number | undefined }
  | { readonly suffix: number };

/** Bytes `first` to `last`, both included. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/** What part of a representation a stored body is. */
export interface Part extends Span {
  /** Length of the whole representation. */
  readonly total: number;
}

/** Who asks for more ranges than this means harm or errs, and gets the whole (RFC 9110, 14.2 and 17.15). */
const MAX_RANGES = 16;

/** The ranges of a Range field in bytes; undefined if it is malformed or of another unit: then it is ignored. */
export function parseRange(value: string | null): readonly RangeSpec[] | undefined {
  if (value === null || value.length > 1_024) return undefined;
  const match = /^bytes=(.*)$/i.exec(trimSpace(value));
  if (match === null) return undefined;
  const specs: RangeSpec[] = [];
  for (const text of splitList(match[1] ?? "")) {
    // Numerals of any length: beyond what a number holds they are past every end (14.1.2).
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

/** The bytes a range means in a representation of `total`; undefined if it has none of them. */
export function resolveRange(spec: RangeSpec, total: number): Span | undefined {
  if ("suffix" in spec) {
    if (spec.suffix === 0 || total === 0) return undefined;
    return { first: Math.max(0, total - spec.suffix), last: total - 1 };
  }
  if (spec.first >= total) return undefined;
  return { first: spec.first, last: Math.min(spec.last ?? total - 1, total - 1) };
}

/**
 * The bytes that the ranges ask for, each once: what overlaps or touches is one span, in
 * the place of its first range (15.3.7.2). Empty if the representation has none of them.
 */
export function resolveRanges(specs: readonly RangeSpec[], total: number): readonly Span[] {
  const asked = specs
    .map((spec) => resolveRange(spec, total))
    .filter((span) => span !== undefined)
    .map((span, place) => ({ ...span, place }))
    .toSorted((one, other) => one.first - other.first);
  const apart: typeof asked = [];
  for (const next of asked) {
    const before = apart.at(-1);
    if (before === undefined || before.last + 1 < next.first) apart.push(next);
    else {
      const last = Math.max(before.last, next.last);
      const place = Math.min(before.place, next.place);
      apart[apart.length - 1] = { first: before.first, last, place };
    }
  }
  return apart
    .toSorted((one, other) => one.place - other.place)
    .map(({ first, last }) => ({ first, last }));
}

/** `Content-Range: bytes 0-9/100`; undefined where it has no single span, no total, or is impossible. */
export function parseContentRange(value: string | null): Part | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(trimSpace(value ?? ""));
  if (match === null) return undefined;
  const [first, last, total] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return first <= last && last < total ? { first, last, total } : undefined;
}

export function formatContentRange(span: Span, total: number): string {
  return `bytes ${span.first}-${span.last}/${total}`;
}

/** Digests of one message's content: of another part they say nothing (RFC 9530, 2). */
export const OF_WHOLE_CONTENT = ["content-digest", "content-md5"] as const;

/** What a stored response says of itself alone; by its lifetime a cache further on would keep the 416. */
const OF_THE_RESPONSE = new Set([
  "age",
  "cache-control",
  "cache-tag",
  "cdn-cache-control",
  "etag",
  "expires",
  "last-modified",
  "set-cookie",
]);

/** Whether a field of the stored response belongs on a 416 that is answered from it. */
export function isOn416(name: string): boolean {
  return !OF_THE_RESPONSE.has(name) && !name.startsWith("content-");
}

/** Whether `outer` has all of `inner`. */
export function covers(outer: Span, inner: Span): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

/**
 * Whether If-Range lets the range be answered from this representation
 * (RFC 9110, 13.1.5): strong entity tags, or the very date of a Last-Modified
 * that is itself strong.
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
  // 8.8.2.2: strong once it is a second older than the message that carried it.
  return date !== undefined && date - modifiedAt >= 1_000;
}

/** Whether parts that carry these entity tags are parts of the same thing (RFC 9111, 3.4). */
export function mayCombine(one: string | null, other: string | null): boolean {
  return one !== null && other !== null && stronglyEqual(one, other);
}

/** Two parts as one, if they touch or overlap; the newer one's bytes count where both have them. */
export function joinParts(
  held: { readonly part: Part; readonly bytes: Uint8Array },
  newer: { readonly part: Part; readonly bytes: Uint8Array },
): { readonly part: Part; readonly bytes: Uint8Array } | undefined {
  const { total } = newer.part;
  if (held.part.total !== total) return undefined;
  if (held.part.last + 1 < newer.part.first || newer.part.last + 1 < held.part.first)
    return undefined;
  const first = Math.min(held.part.first, newer.part.first);
  const last = Math.max(held.part.last, newer.part.last);
  const bytes = new Uint8Array(last - first + 1);
  bytes.set(held.bytes, held.part.first - first);
  bytes.set(newer.bytes, newer.part.first - first);
  return { part: { first, last, total }, bytes };
}
