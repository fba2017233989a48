import type { Bytes } from "./store.ts";
import { NOT_FLOAT, NOT_INTEGER, CommandError } from "./store.ts";

const FLOAT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** Parses an integer argument. Above 2^53 a number would lose digits, so it is an error. */
export function integer(text: Bytes, message = NOT_INTEGER): number {
  const value = /^(?:0|-?[1-9]\d*)$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new CommandError(message);
  return value;
}

/** Parses a floating-point argument, infinities included. */
export function float(text: Bytes, message = NOT_FLOAT): number {
  const infinite = INFINITE.exec(text);
  if (infinite) return infinite[1] === "-" ? -Infinity : Infinity;
  if (!FLOAT.test(text)) throw new CommandError(message);
  return Number(text);
}

/** Formats a score as Redis does: integers in full, infinities as `inf`. */
export function formatScore(score: number): Bytes {
  if (!Number.isFinite(score)) return score > 0 ? "inf" : "-inf";
  if (Number.isInteger(score) && Math.abs(score) < 1e17) return (score + 0).toFixed(0);
  return String(score);
}

/** Formats a number as C's `%.<precision>g` does. */
export function formatG(value: number, precision: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa = "", exponentText = "0"] = value.toExponential(precision - 1).split("e");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= precision) {
    const sign = exponent < 0 ? "-" : "+";
    return `${withoutZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  return withoutZeros(value.toFixed(precision - 1 - exponent));
}

function withoutZeros(digits: string): string {
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}
