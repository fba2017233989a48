/**
 * The functions that newer engines have themselves. workerd has them; Node 24, where the simulation
 * runs, does not. They take milliseconds for a body of 3 MiB, which blocks an isolate for a quarter
 * of a second otherwise.
 */
interface NativeEncoding {
  readonly toBase64?: () => string;
}
interface NativeDecoding {
  readonly fromBase64?: (text: string) => Uint8Array;
}

/** Encodes bytes as base64 (RFC 4648, section 4). */
export function toBase64(bytes: Uint8Array): string {
  const { toBase64: native } = bytes as NativeEncoding;
  return native === undefined ? encode(bytes) : native.call(bytes);
}

/** Decodes base64. @throws {Error} if the text is not valid base64. */
export function fromBase64(text: string): Uint8Array {
  const { fromBase64: native } = Uint8Array as NativeDecoding;
  return native === undefined ? decode(text) : native.call(Uint8Array, text);
}

function encode(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8_192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(text);
}

function decode(text: string): Uint8Array {
  const chars = atob(text);
  const bytes = new Uint8Array(chars.length);
  for (let at = 0; at < chars.length; at++) bytes[at] = chars.charCodeAt(at);
  return bytes;
}
