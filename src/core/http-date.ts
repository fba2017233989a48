/** Parses and writes an HTTP-date (RFC 9110, 5.6.7). `Date.parse` is not used, because it accepts other formats too. */
import type { EpochMs } from "./time.ts";

const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const DAYS = "(?:mon|tue|wed|thu|fri|sat|sun)";
const LONG_DAYS = "(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)";
const TIME = "(\\d{2}):(\\d{2}):(\\d{2})";
const MONTH = `(${MONTHS.join("|")})`;

const IMF_FIXDATE = new RegExp(`^${DAYS}, (\\d{2}) ${MONTH} (\\d{4}) ${TIME} gmt$`);
const RFC_850 = new RegExp(`^${LONG_DAYS}, (\\d{2})-${MONTH}-(\\d{2}) ${TIME} gmt$`);
const ASCTIME = new RegExp(`^${DAYS} ${MONTH} ([ \\d]\\d) ${TIME} (\\d{4})$`);

/** The length of the longest HTTP-date: the RFC 850 form on a Wednesday. */
const MAX_LENGTH = 33;
const FIFTY_YEARS = 50;

/**
 * Parses an HTTP-date; undefined if it is invalid. `now` decides the century of a
 * two-digit year in the RFC 850 form.
 */
export function parseDate(text: string | null, now: EpochMs): EpochMs | undefined {
  if (text === null || text.length > MAX_LENGTH) return undefined;
  // The grammar is case-sensitive, but RFC 9110, 5.6.7 asks recipients to be robust, so the case is
  // ignored.
  const date = text.toLowerCase();
  const imf = IMF_FIXDATE.exec(date);
  if (imf) return instant(Number(imf[3]), imf[2], imf[1], imf[4], imf[5], imf[6]);
  const asctime = ASCTIME.exec(date);
  if (asctime) {
    const [, month, day, hour, minute, second, year] = asctime;
    return instant(Number(year), month, day, hour, minute, second);
  }
  const rfc850 = RFC_850.exec(date);
  if (rfc850) {
    const year = fullYear(Number(rfc850[3]), now);
    return instant(year, rfc850[2], rfc850[1], rfc850[4], rfc850[5], rfc850[6]);
  }
  return undefined;
}

/**
 * Returns the full year of a two-digit year. RFC 9110, 5.6.7: a year more than 50 years ahead means
 * the last year in the past with the same digits.
 */
function fullYear(twoDigits: number, now: EpochMs): number {
  const current = new Date(now).getUTCFullYear();
  const year = current - (current % 100) + twoDigits;
  if (year > current + FIFTY_YEARS) return year - 100;
  return year <= current - FIFTY_YEARS ? year + 100 : year;
}

function instant(
  year: number,
  month: string | undefined,
  day: string | undefined,
  ...time: readonly (string | undefined)[]
): EpochMs | undefined {
  const [hour = 0, minute = 0, second = 0] = time.map(Number);
  // The grammar allows 60 for a leap second.
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const monthIndex = MONTHS.indexOf(month ?? "");
  const at = Date.UTC(year, monthIndex, Number(day), hour, minute, Math.min(second, 59));
  const date = new Date(at);
  // Date.UTC turns 31 February into a day in March. This check refuses such a date.
  if (date.getUTCMonth() !== monthIndex || date.getUTCDate() !== Number(day)) return undefined;
  // Date.UTC maps the years 0 to 99 to 1900 to 1999.
  return year < 100 ? date.setUTCFullYear(year) : at;
}

/** Writes an instant in the format IMF-fixdate. */
export function formatDate(at: EpochMs): string {
  return new Date(at).toUTCString();
}
