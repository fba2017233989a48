import { describe, expect, it } from "vitest";
import { keyedHash } from "../../src/core/keyed-hash.ts";

/** The bytes 0, 1, 2, … as UTF-16 units in little-endian order. */
const textOfBytes = (count: number): string =>
  String.fromCharCode(...Array.from({ length: count / 2 }, (_, i) => (2 * i + 1) * 256 + 2 * i));

const hex = (words: readonly number[]): string =>
  [...new Uint8Array(Uint32Array.from(words).buffer)]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");

describe("keyedHash", () => {
  // https://github.com/veorq/SipHash/blob/master/vectors.h, vectors_hsip64
  it.each([
    [0, "218d1f59b9b83cc8"],
    [2, "064f39ef7c50eb57"],
    [4, "d5e78a175be52ea1"],
    [6, "ce3e91358aa2bc25"],
  ])(
    "the keyed hash of %d bytes equals the hash of the reference implementation of HalfSipHash-2-4",
    (count, digest) => {
      expect(hex(keyedHash(textOfBytes(count), [0x03020100, 0x07060504]))).toBe(digest);
    },
  );

  it("the keyed hash of a text depends on both halves of the hash key", () => {
    const hashes = [
      [1, 2],
      [1, 3],
      [2, 2],
    ].map(([a = 0, b = 0]) => hex(keyedHash("product:1", [a, b])));
    expect(new Set(hashes).size).toBe(3);
  });
});
