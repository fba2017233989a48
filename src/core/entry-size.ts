import type { Entry } from "./entry.ts";

/**
 * The growth of V8's heap, as measured, in addition to the characters: the bytes of an entry with
 * its node in the memory tier, and the bytes of each part.
 */
const ENTRY_BYTES = 420;
const BINARY_BYTES = 200;
const INVALIDATION_KEY_BYTES = 40;
const HEADER_BYTES = 72;

/**
 * Estimates the bytes that an entry takes in memory. V8 stores a text with 1 byte for each
 * character if all characters are Latin-1, otherwise with 2.
 */
export function sizeOf(entry: Entry): number {
  const { body, key, etag } = entry;
  let bytes = ENTRY_BYTES + key.length + etag.length;
  bytes += typeof body === "string" ? textBytes(body) : BINARY_BYTES + body.byteLength;
  for (const name of entry.invalidationKeys) bytes += INVALIDATION_KEY_BYTES + textBytes(name);
  for (const [name, value] of entry.http?.headers ?? [])
    bytes += HEADER_BYTES + name.length + value.length;
  return bytes;
}

const textBytes = (text: string): number =>
  /[\u0100-\uffff]/.test(text) ? text.length * 2 : text.length;
