/** The web origins of the variable CORS_ORIGINS, whose pages may read answers. */

/** `*` for every origin, or a list of origins as browsers send them. */
export type CorsOrigins = "*" | readonly string[];

const MAX_ORIGINS = 100;

/**
 * Parses origins such as `https://shop.example`, separated by commas, or `*` alone. Undefined if an
 * entry is not an origin in the form that browsers send: an entry with a path or in capitals would
 * never match.
 */
export function parseCorsOrigins(text: string): CorsOrigins | undefined {
  if (text.trim() === "*") return "*";
  const entries = text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  return entries.length <= MAX_ORIGINS && entries.every(isOrigin) ? entries : undefined;
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, origin } = new URL(text);
  return (protocol === "https:" || protocol === "http:") && origin === text && !text.includes("*");
}
