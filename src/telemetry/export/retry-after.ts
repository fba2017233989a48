import type { EpochMs, Millis } from "../../core/time.ts";
import { parseDate } from "../../core/http-date.ts";

/**
 * Returns how long a Retry-After field asks to wait: whole seconds, or the time until an HTTP date.
 * Undefined if the field is missing or malformed, or asks for no wait.
 *
 * @see https://datatracker.ietf.org/doc/html/rfc9110#section-10.2.3
 */
export function readRetryAfter(field: string | null, now: EpochMs): Millis | undefined {
  const text = field?.trim() ?? "";
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : (parseDate(text, now) ?? now) - now;
  return waitMs > 0 ? waitMs : undefined;
}
