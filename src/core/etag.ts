import { sha256 } from "./sha256.ts";

/** Makes a strong entity tag (RFC 9110, 8.8.3): the first 120 bits of the body's SHA-256, in base64 and in quotes. */
export async function etagOf(body: string | Uint8Array): Promise<string> {
  const digest = await sha256(body);
  return `"${btoa(String.fromCharCode(...digest.subarray(0, 15)))}"`;
}
