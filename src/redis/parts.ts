/**
 * Divides the text of a large entry among several values of Redis. The value under the key of the entry is
 * the head: it has the invalidation keys in its second line, as every stored text has, and names the parts:
 *
 *     strata1+parts\n<invalidation keys>\n<SHA-256 of the text> <number of parts>
 *
 * The hash is in the names of the parts. A part is therefore never replaced by one of another text, and the
 * texts of two loads share no part, because a text has its key and its instants. The hash of the joined text
 * is checked, so that a part that was evicted, expired or changed makes the entry a miss.
 */
import { sha256Hex } from "../core/sha256.ts";

/** The first line of a head. */
export const SPLIT = "strata1+parts\n";
/** The maximum number of parts of one text. */
export const MAX_PARTS = 16;

export interface SplitText {
  readonly head: string;
  readonly parts: readonly NamedPart[];
}

export interface NamedPart {
  readonly name: string;
  readonly text: string;
}

/**
 * Divides a text into parts of at most `partChars` characters. Returns undefined if it would have more than
 * 16, or cannot be written as UTF-8.
 */
export async function split(text: string, partChars: number): Promise<SplitText | undefined> {
  if (!text.isWellFormed()) return undefined;
  const texts: string[] = [];
  for (let from = 0; from < text.length;) {
    if (texts.length === MAX_PARTS) return undefined;
    const end = from + Math.max(2, partChars);
    // A pair of surrogates stays in one part.
    const to = text.slice(from, end).isWellFormed() ? end : end - 1;
    texts.push(text.slice(from, to));
    from = to;
  }
  const hash = await sha256Hex(text);
  const [, invalidationKeys = ""] = text.split("\n", 2);
  return {
    head: `${SPLIT}${invalidationKeys}\n${hash} ${texts.length}`,
    parts: texts.map((part, i) => ({ name: nameOf(hash, i), text: part })),
  };
}

/** Returns the names of the parts that a stored text has, in their order; none if it is no head. */
export function partNamesOf(head: string): readonly string[] {
  if (!head.startsWith(SPLIT)) return [];
  const [hash = "", count = ""] = lastLineOf(head).split(" ");
  const isHead = /^[0-9a-f]{64}$/.test(hash) && Number(count) > 0 && Number(count) <= MAX_PARTS;
  return isHead ? Array.from({ length: Number(count) }, (_, i) => nameOf(hash, i)) : [];
}

/** Returns the text that was divided; undefined if a part is missing or is not of this text. */
export async function joinParts(
  head: string,
  parts: readonly (string | null | undefined)[],
): Promise<string | undefined> {
  const text = parts.map((part) => part ?? "").join("");
  return lastLineOf(head).startsWith(`${await sha256Hex(text)} `) ? text : undefined;
}

const PART_NAME = /^([0-9a-f]{64}):\d{1,2}$/;

/** Returns the name of the first part of a text, which has the first lines of it. Undefined for a name of no part. */
export function firstPartOf(name: string): string | undefined {
  const hash = PART_NAME.exec(name)?.[1];
  return hash === undefined ? undefined : nameOf(hash, 0);
}

/** Returns all names that the other parts of a text may have. */
export function otherPartsOf(firstPart: string): readonly string[] {
  const [hash = ""] = firstPart.split(":");
  return Array.from({ length: MAX_PARTS - 1 }, (_, i) => nameOf(hash, i + 1));
}

const nameOf = (hash: string, index: number): string => `${hash}:${index}`;

const lastLineOf = (text: string): string => text.slice(text.lastIndexOf("\n") + 1);
