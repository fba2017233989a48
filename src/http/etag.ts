/** A strong entity tag: 120 bits of the body's SHA-256, quoted (RFC 9110, 8.8.3). */
export async function etagOf(body: string | Uint8Array): Promise<string> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `"${btoa(String.fromCharCode(...digest.subarray(0, 15)))}"`;
}
