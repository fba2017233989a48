import { keyedHash, type HashKey } from "./keyed-hash.ts";

/**
 * A Bloom filter. For a key it answers "never added" or "perhaps added".
 *
 * @see Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970;
 *   Kirsch, Mitzenmacher, "Less hashing, same performance", 2006: two hashes give all bit positions.
 */
export interface Bloom {
  readonly bytes: Uint8Array;
  /** The number of bits that one key sets. */
  readonly hashes: number;
  /**
   * The secret of the hash. A client that knew it could compute keys that were never added and that
   * the filter lets through.
   */
  readonly seed: HashKey;
}

/** The maximum size of a filter. A filter is one value in Redis, and 786,432 bytes are 1 MiB of base64. */
const MAX_BYTES = 786_432;

/**
 * Creates an empty filter for `count` keys. It answers "perhaps added" for the share `rate` of the
 * keys that were not added. Its size is limited, so the share is larger for more than about 650,000
 * keys at 1 %: see `falsePositiveRate`.
 */
export function createBloom(count: number, rate: number, seed: HashKey): Bloom {
  const keys = Math.max(1, count);
  const bits = Math.ceil((-keys * Math.log(rate)) / Math.LN2 ** 2);
  const length = Math.min(MAX_BYTES, Math.max(8, Math.ceil(bits / 8)));
  const hashes = Math.min(16, Math.max(1, Math.round(((length * 8) / keys) * Math.LN2)));
  return { bytes: new Uint8Array(length), hashes, seed };
}

/**
 * Returns the share of the keys that were not added for which the filter answers "perhaps", once it
 * holds `count` keys.
 */
export function falsePositiveRate({ bytes, hashes }: Bloom, count: number): number {
  return (1 - Math.exp((-hashes * count) / (bytes.length * 8))) ** hashes;
}

export function addKey(bloom: Bloom, key: string): void {
  const { bytes, hashes, seed } = bloom;
  const bits = bytes.length * 8;
  const [start, step] = keyedHash(key, seed);
  let at = start;
  for (let i = 0; i < hashes; i++) {
    const bit = at % bits;
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
    at = (at + (step | 1)) >>> 0;
  }
}

/** Returns false only for a key that was never added. */
export function mayHold({ bytes, hashes, seed }: Bloom, key: string): boolean {
  const bits = bytes.length * 8;
  const [start, step] = keyedHash(key, seed);
  let at = start;
  for (let i = 0; i < hashes; i++) {
    const bit = at % bits;
    if (((bytes[bit >> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
    at = (at + (step | 1)) >>> 0;
  }
  return true;
}
