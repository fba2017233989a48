import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBase64, toBase64 } from "../../src/core/base64.ts";

describe("base64", () => {
  it("toBase64() of any bytes equals the output of btoa(), and fromBase64() returns the same bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
        const text = toBase64(bytes);
        expect(text).toBe(btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")));
        expect(fromBase64(text)).toEqual(bytes);
      }),
      { numRuns: 50 },
    );
  });

  it.each(["a", "ab=c", "é", "%%%%"])(
    "fromBase64() of %s throws an error, because this text is not base64",
    (text) => {
      expect(() => fromBase64(text)).toThrow(Error);
    },
  );

  it("the runtime has the native functions Uint8Array.prototype.toBase64() and Uint8Array.fromBase64()", () => {
    expect("toBase64" in Uint8Array.prototype && "fromBase64" in Uint8Array).toBe(true);
  });
});
