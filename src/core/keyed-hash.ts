/** The secret of a keyed hash: two random numbers of 32 bits. */
export type HashKey = readonly [number, number];

/**
 * Returns the HalfSipHash-2-4 of a text as two numbers of 32 bits, computed over its UTF-16 units
 * in little-endian order. A client without the key cannot find texts with a wanted hash.
 *
 * @see Aumasson, Bernstein, "SipHash: a fast short-input PRF", 2012, and
 *   https://github.com/veorq/SipHash for the variant with words of 32 bits
 */
export function keyedHash(text: string, [k0, k1]: HashKey): [number, number] {
  // All numbers are signed integers of 32 bits and no closure shares them. Otherwise this function
  // takes more than twice as long.
  let v0 = k0 | 0;
  // 0xee selects the output of 64 bits.
  let v1 = k1 ^ 0xee;
  let v2 = k0 ^ 0x6c796765;
  let v3 = k1 ^ 0x74656462;
  let low = 0;
  const words = (text.length >> 1) + 1;
  for (let step = 0; step < words + 2; step++) {
    let word = 0;
    let rounds = 4;
    if (step < words) {
      word = wordAt(text, step);
      rounds = 2;
    } else if (step === words) {
      v2 ^= 0xee;
    } else {
      low = v1 ^ v3;
      v1 ^= 0xdd;
    }
    v3 ^= word;
    for (let round = 0; round < rounds; round++) {
      v0 = (v0 + v1) | 0;
      v1 = rotateLeft(v1, 5) ^ v0;
      v0 = rotateLeft(v0, 16);
      v2 = (v2 + v3) | 0;
      v3 = rotateLeft(v3, 8) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = rotateLeft(v3, 7) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = rotateLeft(v1, 13) ^ v2;
      v2 = rotateLeft(v2, 16);
    }
    v0 ^= word;
  }
  return [low >>> 0, (v1 ^ v3) >>> 0];
}

/** Returns two units of the text. The last word has the length in bytes, and the unit that is left. */
function wordAt(text: string, index: number): number {
  const at = index * 2;
  const { length } = text;
  if (at + 1 < length) return text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
  return ((length * 2) << 24) | (at < length ? text.charCodeAt(at) : 0);
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
