/** Writes several byte ranges as one body: multipart/byteranges (RFC 9110, 14.6 and 15.3.7.2). */
import { bytesOf, concat } from "../cache/text-bytes.ts";
import { formatContentRange, type Part, type Span } from "./range.ts";

export interface Byteranges {
  /** The Content-Type of the response. Each body part repeats the Content-Type of the representation. */
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** Makes the body. `stored` has the bytes `part` of a representation, and `part` must include every span. */
export function byteranges(
  spans: readonly Span[],
  stored: Uint8Array,
  part: Part,
  contentType: string | null,
): Byteranges {
  const bodies = spans.map(({ first, last }) =>
    stored.subarray(first - part.first, last - part.first + 1),
  );
  const boundary = absentBoundary(contentType ?? "", bodies);
  const type = contentType === null ? "" : `\r\nContent-Type: ${contentType}`;
  const chunks = spans.flatMap((span, index) => [
    // RFC 2046, 5.1.1: the line break before a delimiter belongs to the delimiter. The first
    // delimiter needs none.
    bytesOf(
      `${index === 0 ? "" : "\r\n"}--${boundary}${type}\r\nContent-Range: ${formatContentRange(span, part.total)}\r\n\r\n`,
    ),
    bodies[index] ?? new Uint8Array(),
  ]);
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    body: concat([...chunks, bytesOf(`\r\n--${boundary}--\r\n`)]),
  };
}

/** The start of each boundary. No suffix of it is also a prefix of it, so its occurrences in a text do not overlap. */
const STEM = "strata-part-";
const DIGITS = 8;
const NUMBERED_STEM = new RegExp(`${STEM}(\\d{${DIGITS}})`, "g");

/**
 * Returns a boundary that no part contains (RFC 2046, 5.1.1): the stem, followed by the lowest
 * number that does not follow the stem anywhere in the parts. It reads the parts once, so a body
 * that is full of boundaries takes no longer than any other body.
 */
function absentBoundary(contentType: string, bodies: readonly Uint8Array[]): string {
  const taken = new Set<number>();
  // Latin-1 maps each byte to one character, so that ASCII characters do not change.
  const texts = bodies.map((body) => new TextDecoder("latin1").decode(body));
  for (const text of [contentType, ...texts])
    for (const [, digits] of text.matchAll(NUMBERED_STEM)) taken.add(Number(digits));
  let number = 0;
  while (taken.has(number)) number++;
  return `${STEM}${String(number).padStart(DIGITS, "0")}`;
}
