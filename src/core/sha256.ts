/** Returns the SHA-256 digest, 32 bytes. A text is hashed as UTF-8. */
export async function sha256(content: string | Uint8Array): Promise<Uint8Array> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** Returns the SHA-256 digest of a text as 64 lower-case hexadecimal digits. */
export async function sha256Hex(text: string): Promise<string> {
  const digest = await sha256(text);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
