/** Joins a part that the origin sent with the stored part (RFC 9111, 3.3 and 3.4). */
import type { Entry } from "../../core/entry.ts";
import { bytesOf } from "../cache/text-bytes.ts";
import {
  CONTENT_DIGESTS,
  joinParts,
  mayCombine,
  parseContentRange,
  type Part,
} from "../rfc/range.ts";

/** Fields that describe one part: its range, its length and its digests. */
export const PART_FIELDS: readonly string[] = [
  "content-range",
  "content-length",
  ...CONTENT_DIGESTS,
];

interface PartContent {
  readonly part: Part;
  readonly bytes: Uint8Array;
}

/** Both parts as one; undefined if they belong to different representations or leave a gap. */
export function joinWithStored(
  stored: Entry | undefined,
  newer: PartContent & { readonly etag: string | null },
): (PartContent & { readonly entry: Entry }) | undefined {
  const part = stored?.http?.part;
  if (stored === undefined || part === undefined || !mayCombine(stored.etag, newer.etag))
    return undefined;
  const joined = joinParts({ part, bytes: bytesOf(stored.body) }, newer);
  return joined && { ...joined, entry: stored };
}

/** Whether a 206 with these fields is exactly the missing rest of the stored part's representation. */
export function completesPart(stored: Entry | undefined, headers: Headers): boolean {
  const part = parseContentRange(headers.get("Content-Range"));
  const storedPart = stored?.http?.part;
  return (
    part !== undefined &&
    storedPart !== undefined &&
    mayCombine(stored?.etag ?? null, headers.get("ETag")) &&
    part.total === storedPart.total &&
    part.first === storedPart.last + 1 &&
    part.last === part.total - 1
  );
}
