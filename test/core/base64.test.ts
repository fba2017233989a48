import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBase64, toBase64 } from "../../src/core/base64.ts";

describe("base64", () => {
  it("base64 encoding of any bytes equals the output of btoa, and decoding returns the same bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
        const text = toBase64(bytes);
        expect(text).toBe(btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")));
        expect(fromBase64(text)).toEqual(bytes);
      }),
      { numRuns: 50 },
    );
  });

  it.each(["a", "ab=c", "é", "%%%%"])("decoding %s throws, because it is not base64", (text) => {
    expect(() => fromBase64(text)).toThrow(Error);
  });

  it("the runtime has native base64 functions, so that encoding does not block the isolate", () => {
    expect("toBase64" in Uint8Array.prototype && "fromBase64" in Uint8Array).toBe(true);
  });
});
