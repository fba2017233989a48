import type { AdminToken } from "../index.ts";

/**
 * Returns the function that finds the token with a given secret. Its duration depends neither on the
 * secrets nor on how much of one is right: it compares whole buffers of one size, and all tokens.
 * It runs in one turn of the event loop, so that guesses at the same time are counted one by one.
 */
export function createTokenCheck(
  tokens: readonly AdminToken[],
): (secret: string) => AdminToken | undefined {
  const size = Math.max(0, ...tokens.map(({ token }) => token.length));
  const known = tokens.map((token) => ({ token, bytes: padded(token.token, size) }));
  return (secret) => {
    if (secret.length > size) return undefined;
    const given = padded(secret, size);
    let found: AdminToken | undefined;
    for (const { token, bytes } of known)
      if (crypto.subtle.timingSafeEqual(given, bytes)) found = token;
    return found;
  };
}

/** Encodes a secret into a buffer of zeros. No secret has a zero, so two secrets never become equal. */
function padded(secret: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  new TextEncoder().encodeInto(secret, bytes);
  return bytes;
}
