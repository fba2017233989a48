/**
 * Compresses large entries. Only the body is compressed. The invalidation keys in the second line
 * of the text stay readable for the scripts in Redis:
 *
 *     strata1+gzip\n<invalidation keys>\n<header>\n<gzip of the body, in base64>
 */
import { fromBase64, toBase64 } from "../core/base64.ts";

const PLAIN = "strata1\n";
const PACKED = "strata1+gzip\n";
/**
 * A packed text is stored only if it has at most this share of the characters, because each later
 * read has to unpack it.
 */
const MAX_PACKED_SHARE = 0.8;

/**
 * Packs an encoded entry whose body has at least `thresholdChars` characters. Returns the text
 * unchanged if the body is shorter, or if packing saves less than a fifth.
 */
export async function pack(text: string, thresholdChars: number): Promise<string> {
  const bodyAt = bodyStart(text);
  const body = text.slice(bodyAt);
  // A body with a lone surrogate is not packed, because UTF-8 cannot express it: it would come back
  // as U+FFFD.
  if (body.length < thresholdChars || !text.startsWith(PLAIN) || !body.isWellFormed()) return text;
  const packed = await pipe(new TextEncoder().encode(body), new CompressionStream("gzip"));
  const small = `${PACKED}${text.slice(PLAIN.length, bodyAt)}${toBase64(packed)}`;
  return small.length <= text.length * MAX_PACKED_SHARE ? small : text;
}

/** Unpacks a stored text. Returns it unchanged if it is not packed or cannot be unpacked. */
export async function unpack(text: string): Promise<string> {
  if (!text.startsWith(PACKED)) return text;
  try {
    const bodyAt = bodyStart(text);
    const bytes = await pipe(fromBase64(text.slice(bodyAt)), new DecompressionStream("gzip"));
    const body = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return `${PLAIN}${text.slice(PACKED.length, bodyAt)}${body}`;
  } catch {
    // The text is damaged; the codec will reject it.
    return text;
  }
}

/** Returns the position at which the body of an encoded entry begins; the end of the text if there is no body. */
function bodyStart(text: string): number {
  let at = -1;
  for (let line = 0; line < 3; line++) {
    at = text.indexOf("\n", at + 1);
    if (at < 0) return text.length;
  }
  return at + 1;
}

async function pipe(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  return new Uint8Array(
    await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer(),
  );
}
