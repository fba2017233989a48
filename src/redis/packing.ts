/**
 * Big values, smaller: an encoded entry whose body is compressed. Its first line says
 * so; the second, with the names that the scripts look up, and the third stay readable:
 *
 *     strata1+gzip\n<members>\n<header>\n<gzip of the body, in base64>
 */
import { fromBase64, toBase64 } from "../core/base64.ts";

const PLAIN = "strata1\n";
const PACKED = "strata1+gzip\n";
/** What does not shrink to this share is stored as it is: unpacking costs every reader. */
const WORTH = 0.8;

/** The text to store for an encoded entry: packed from `thresholdChars` on, where that makes it smaller. */
export async function pack(text: string, thresholdChars: number): Promise<string> {
  const bodyAt = bodyOf(text);
  const body = text.slice(bodyAt);
  // Half of a surrogate pair has no UTF-8, and would come back as another character.
  if (body.length < thresholdChars || !text.startsWith(PLAIN) || !body.isWellFormed()) return text;
  const packed = await through(new TextEncoder().encode(body), new CompressionStream("gzip"));
  const small = `${PACKED}${text.slice(PLAIN.length, bodyAt)}${toBase64(packed)}`;
  return small.length <= text.length * WORTH ? small : text;
}

/** The encoded entry of a stored text; the text itself if it is not packed, or not whole. */
export async function unpack(text: string): Promise<string> {
  if (!text.startsWith(PACKED)) return text;
  try {
    const bodyAt = bodyOf(text);
    const bytes = await through(fromBase64(text.slice(bodyAt)), new DecompressionStream("gzip"));
    const body = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return `${PLAIN}${text.slice(PACKED.length, bodyAt)}${body}`;
  } catch {
    // Cut off or garbled: no entry, as the codec will find.
    return text;
  }
}

/** Where the fourth part of an encoded entry begins; its end if it has none. */
function bodyOf(text: string): number {
  let at = -1;
  for (let line = 0; line < 3; line++) {
    at = text.indexOf("\n", at + 1);
    if (at < 0) return text.length;
  }
  return at + 1;
}

async function through(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  return new Uint8Array(
    await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer(),
  );
}
