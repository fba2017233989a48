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
  let v0 = k0;
  // 0xee selects the output of 64 bits.
  let v1 = k1 ^ 0xee;
  let v2 = k0 ^ 0x6c796765;
  let v3 = k1 ^ 0x74656462;

  function mix(rounds: number): void {
    for (let i = 0; i < rounds; i++) {
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
  }

  function absorb(word: number): void {
    v3 ^= word;
    mix(2);
    v0 ^= word;
  }

  const { length } = text;
  const pairs = length & ~1;
  for (let at = 0; at < pairs; at += 2)
    absorb(text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16));
  // The last word has the length in bytes, and the unit that is left.
  absorb(((length * 2) << 24) | (length > pairs ? text.charCodeAt(pairs) : 0));
  v2 ^= 0xee;
  mix(4);
  const low = v1 ^ v3;
  v1 ^= 0xdd;
  mix(4);
  return [low >>> 0, (v1 ^ v3) >>> 0];
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
