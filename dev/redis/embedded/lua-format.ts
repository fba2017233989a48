import { formatG } from "./numbers.ts";

const SPEC = /%([-+ #0]*)(\d{0,2})(?:\.(\d{0,2}))?([a-zA-Z%])/y;

/** One conversion of `string.format`. */
export interface Conversion {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly letter: string;
}

/**
 * Splits a format into literal text and conversions. Returns `undefined` for a conversion that Lua
 * does not accept.
 */
export function parseFormat(format: string): readonly (string | Conversion)[] | undefined {
  const parts: (string | Conversion)[] = [];
  let at = 0;
  while (at < format.length) {
    const next = format.indexOf("%", at);
    if (next < 0) break;
    if (next > at) parts.push(format.slice(at, next));
    SPEC.lastIndex = next;
    const match = SPEC.exec(format);
    if (!match) return undefined;
    const [whole, flags = "", width = "", precision, letter = ""] = match;
    if (letter === "%") parts.push("%");
    else if (!"cdiouxXeEfgGqs".includes(letter)) return undefined;
    else {
      parts.push({
        flags,
        width: Number(width),
        precision: precision === undefined ? undefined : Number(precision),
        letter,
      });
    }
    at = next + whole.length;
  }
  if (at < format.length) parts.push(format.slice(at));
  return parts;
}

/** Formats a number as C's printf does, for the letters `d i o u x X e E f g G`. */
export function formatNumber(
  { flags, width, precision, letter }: Conversion,
  value: number,
): string {
  const negative = value < 0 || Object.is(value, -0);
  const digits = magnitude(letter, Math.abs(value), precision, flags.includes("#"));
  const whole = Number.isFinite(value);
  const shownNegative = negative && !(isIntegral(letter) && Math.trunc(value) === 0);
  const sign = shownNegative ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  if (flags.includes("-")) return (sign + digits).padEnd(width);
  const zeros = flags.includes("0") && whole && !(isIntegral(letter) && precision !== undefined);
  return zeros ? sign + digits.padStart(width - sign.length, "0") : (sign + digits).padStart(width);
}

function isIntegral(letter: string): boolean {
  return "diouxX".includes(letter);
}

function magnitude(
  letter: string,
  value: number,
  precision: number | undefined,
  alternate: boolean,
): string {
  if (isIntegral(letter)) {
    const integer = BigInt(Number.isFinite(value) ? Math.trunc(value) : 0);
    const radix = letter === "o" ? 8 : letter === "x" || letter === "X" ? 16 : 10;
    const text = integer.toString(radix).padStart(precision ?? 1, "0");
    const prefixed = alternate && radix === 16 && integer !== 0n ? `0x${text}` : text;
    return letter === "X" ? prefixed.toUpperCase() : prefixed;
  }
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : "inf";
  const places = precision ?? 6;
  const text =
    letter === "f"
      ? fixed(value, places)
      : letter === "g" || letter === "G"
        ? formatG(value, Math.max(places, 1))
        : value.toExponential(places).replace(/e([+-])(\d)$/, "e$10$2");
  return letter === "E" || letter === "G" ? text.toUpperCase() : text;
}

/**
 * Formats a number with a fixed number of places. `toFixed` uses exponents from 1e21; such a double
 * is an integer.
 */
function fixed(value: number, places: number): string {
  if (value < 1e21) return value.toFixed(places);
  return BigInt(value).toString() + (places > 0 ? `.${"0".repeat(places)}` : "");
}
