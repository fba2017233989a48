/** Several ranges in one body: multipart/byteranges (RFC 9110, 14.6 and 15.3.7.2). */
import { bytesOf, concat } from "../cache/text-bytes.ts";
import { formatContentRange, type Part, type Span } from "./range.ts";

export interface Byteranges {
  /** The response's Content-Type; that of the representation stands in each part. */
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** `stored`: what `held` of a representation holds; it must have all of the `spans`. */
export function byteranges(
  spans: readonly Span[],
  stored: Uint8Array,
  held: Part,
  contentType: string | null,
): Byteranges {
  const bodies = spans.map(({ first, last }) =>
    stored.subarray(first - held.first, last - held.first + 1),
  );
  const boundary = absentBoundary(contentType ?? "", bodies);
  const type = contentType === null ? "" : `\r\nContent-Type: ${contentType}`;
  const pieces = spans.flatMap((span, at) => [
    // The line break before a delimiter is the delimiter's; the first needs none (RFC 2046, 5.1.1).
    bytesOf(
      `${at === 0 ? "" : "\r\n"}--${boundary}${type}\r\nContent-Range: ${formatContentRange(span, held.total)}\r\n\r\n`,
    ),
    bodies[at] ?? new Uint8Array(),
  ]);
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    body: concat([...pieces, bytesOf(`\r\n--${boundary}--\r\n`)]),
  };
}

/** No end of it is a beginning of it: its occurrences in a text do not overlap. */
const STEM = "strata-part-";
const DIGITS = 8;
const TAKEN = new RegExp(`${STEM}(\\d{${DIGITS}})`, "g");

/**
 * A boundary that none of the parts contains (RFC 2046, 5.1.1): the first number that
 * does not follow the stem anywhere in them. Found by reading them once, whatever
 * they were made to contain.
 */
function absentBoundary(contentType: string, bodies: readonly Uint8Array[]): string {
  const taken = new Set<number>();
  // Any decoder will do that takes each byte below 128 for itself.
  const texts = bodies.map((body) => new TextDecoder("latin1").decode(body));
  for (const text of [contentType, ...texts])
    for (const [, digits] of text.matchAll(TAKEN)) taken.add(Number(digits));
  let number = 0;
  while (taken.has(number)) number++;
  return `${STEM}${String(number).padStart(DIGITS, "0")}`;
}
