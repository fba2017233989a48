/**
 * Header fields for responses that are data and not pages. A browser does not guess another type,
 * loads nothing on behalf of the response, shows it in no frame, and sends its URL to no other site.
 */
export const SECURITY_FIELDS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};
