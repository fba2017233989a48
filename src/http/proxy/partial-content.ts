/** A part that the origin sent, and the part that is stored (RFC 9111, 3.3 and 3.4). */
import type { Entry } from "../../core/entry.ts";
import {
  joinParts,
  mayCombine,
  OF_WHOLE_CONTENT,
  parseContentRange,
  type Part,
} from "../rfc/range.ts";
import { bytesOf } from "../cache/text-bytes.ts";

/** Fields that speak of one part only: which it is, how long, its digest. */
export const OF_THE_PART: readonly string[] = [
  "content-range",
  "content-length",
  ...OF_WHOLE_CONTENT,
];

interface Bytes {
  readonly part: Part;
  readonly bytes: Uint8Array;
}

/** Both parts as one, if they are of the same thing and leave no gap. */
export function joined(
  entry: Entry | undefined,
  newer: Bytes & { readonly etag: string | null },
): (Bytes & { readonly entry: Entry }) | undefined {
  const held = entry?.http?.part;
  if (entry === undefined || held === undefined || !mayCombine(entry.etag, newer.etag))
    return undefined;
  const whole = joinParts({ part: held, bytes: bytesOf(entry.body) }, newer);
  return whole && { ...whole, entry };
}

/** Whether a 206 with these fields is the rest of what is stored, and of the same thing. */
export function continues(entry: Entry | undefined, headers: Headers): boolean {
  const part = parseContentRange(headers.get("Content-Range"));
  const held = entry?.http?.part;
  return (
    part !== undefined &&
    held !== undefined &&
    mayCombine(entry?.etag ?? null, headers.get("ETag")) &&
    part.total === held.total &&
    part.first === held.last + 1 &&
    part.last === part.total - 1
  );
}
