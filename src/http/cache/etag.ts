import { sha256 } from "../../core/sha256.ts";

/** A strong entity tag: 120 bits of the body's SHA-256, quoted (RFC 9110, 8.8.3). */
export async function etagOf(body: string | Uint8Array): Promise<string> {
  const digest = await sha256(body);
  return `"${btoa(String.fromCharCode(...digest.subarray(0, 15)))}"`;
}
