/** Windows: a limit and its span, parsed from a text such as "100/1m", and the balance of a window. */
import { toMillis, type Duration } from "../core/duration.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";

/** A limit and the span of time that it holds for. */
export interface Window {
  /** The most tokens in the span. */
  readonly limit: number;
  readonly widthMs: Millis;
  /** The span as text, for the name of the window: "1m". */
  readonly label: string;
}

/** The tokens that one window of an account has left. */
export interface Balance {
  readonly window: Window;
  readonly remaining: number;
  /** The milliseconds until more tokens than `remaining` are left; 0 if no token is in use. */
  readonly resetMs: Millis;
  /** The milliseconds until the requested cost fits; 0 if it fits now, Infinity if it never fits. */
  readonly waitMs: Millis;
}

/**
 * A limit as `<tokens>/<span>`, such as "100/1m" or "5/10s", or a list of limits. All limits of a
 * list apply, for example a burst and a sustained rate.
 */
export type LimitText = string | readonly string[];

/** The longest span. The ledger keeps an account for at most two spans, so this bounds the account's lifetime. */
const MAX_WIDTH_MS: Millis = 31 * 86_400_000;
/**
 * The highest product of a limit and its span in milliseconds. Doubles in JavaScript and Lua hold
 * sums of such products exactly.
 */
const MAX_PRODUCT = 2 ** 51;

const LIMIT_PATTERN = /^(\d{1,15})\/(\d{1,9})(ms|s|m|h|d)$/;

/**
 * Parses a limit, or a list of limits, into windows, narrowest first.
 *
 * @throws {DefinitionError} that names `field` and says what is wrong with it.
 * @example parseLimit("100/1m", "ip") // [{ limit: 100, widthMs: 60_000, label: "1m" }]
 */
export function parseLimit(text: LimitText, field: string): readonly Window[] {
  const texts: readonly unknown[] = Array.isArray(text) ? text : [text];
  if (texts.length === 0) throw new DefinitionError(field, "names no limit");
  const windows = texts
    .map((one) => parseWindow(one, field))
    .toSorted((a, b) => a.widthMs - b.widthMs);
  for (const [i, { widthMs, label }] of windows.entries())
    if (windows[i + 1]?.widthMs === widthMs)
      throw new DefinitionError(field, `has two limits for a span of ${label}`);
  return windows;
}

function parseWindow(text: unknown, field: string): Window {
  const match = typeof text === "string" ? LIMIT_PATTERN.exec(text) : null;
  const wrong = (why: string) => new DefinitionError(field, `${JSON.stringify(text)} ${why}`);
  if (match === null)
    throw wrong('is not a limit such as "100/1m": tokens, a slash, and a span in ms, s, m, h or d');
  const [, tokens, amount, unit = ""] = match;
  const limit = Number(tokens);
  const label = `${Number(amount)}${unit}`;
  const widthMs = toMillis(label as Duration, field);
  if (limit === 0) throw wrong("admits nothing; the least is 1 token");
  if (widthMs === 0) throw wrong("has a span of 0; the shortest is 1ms");
  if (widthMs > MAX_WIDTH_MS) throw wrong("has a span of more than 31 days");
  if (limit * widthMs > MAX_PRODUCT)
    throw wrong(
      "is too large to be counted exactly: tokens times milliseconds must not exceed 2^51",
    );
  return { limit, widthMs, label };
}
