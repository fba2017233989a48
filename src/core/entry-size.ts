import type { Entry } from "./entry.ts";

/**
 * The growth of the heap of workerd, as measured: the bytes of an entry with its node in the memory
 * tier, and the bytes of each part beside its characters. V8 has pointers of 4 bytes in workerd.
 */
const ENTRY_BYTES = 225;
const TEXT_BYTES = 14;
const BINARY_BYTES = 150;
const INVALIDATION_KEY_BYTES = 4;
const HTTP_BYTES = 60;
const PAIR_BYTES = 36;
const VARIANT_BYTES = 40;

/**
 * Estimates the bytes that an entry takes in memory. V8 stores a text with 1 byte for each
 * character if all characters are Latin-1, otherwise with 2.
 */
export function sizeOf(entry: Entry): number {
  const { body, key, etag, http } = entry;
  let bytes = ENTRY_BYTES + textBytes(key) + textBytes(etag);
  bytes += typeof body === "string" ? textBytes(body) : BINARY_BYTES + body.byteLength;
  for (const name of entry.invalidationKeys) bytes += INVALIDATION_KEY_BYTES + textBytes(name);
  if (http === undefined) return bytes;
  bytes += HTTP_BYTES + pairBytes(http.headers);
  // The fields of requests that select variants may be long.
  for (const variant of http.variants ?? [])
    bytes +=
      VARIANT_BYTES +
      textBytes(variant.key) +
      textBytes(variant.etag) +
      pairBytes(variant.selectors);
  return bytes;
}

function pairBytes(pairs: readonly (readonly [name: string, value: string | null])[]): number {
  let bytes = 0;
  for (const [name, value] of pairs) bytes += PAIR_BYTES + textBytes(name) + textBytes(value ?? "");
  return bytes;
}

/** Whether V8 stores a text with 2 bytes for each character. */
export const isWide = (text: string): boolean => /[\u0100-\uffff]/.test(text);

const textBytes = (text: string): number => TEXT_BYTES + text.length * (isWide(text) ? 2 : 1);
