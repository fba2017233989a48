/** What a limit says, read from its text. */
import { UNIT_MS } from "../core/duration.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";

/** So many tokens in any span of so long. */
export interface Window {
  readonly limit: number;
  readonly widthMs: Millis;
  /** The span as it was written, for the policy's name: "1m". */
  readonly label: string;
}

/** `<tokens>/<span>`: "100/1m", "5/10s". Several are all enforced: a burst and a sustained rate. */
export type LimitText = string | readonly string[];

/** The longest span, so that nothing is kept for longer than two of it. */
const MAX_WIDTH_MS: Millis = 31 * 86_400_000;
/** Tokens times milliseconds stays a whole number in every language involved. */
const MAX_PRODUCT = 2 ** 51;

const SHAPE = /^(\d{1,15})\/(\d{1,9})(ms|s|m|h|d)$/;

/**
 * The windows that a limit's text describes, narrowest first.
 *
 * @throws {DefinitionError} naming `field` and what is wrong with it.
 * @example parseLimit("100/1m", "ip") // [{ limit: 100, widthMs: 60_000, label: "1m" }]
 */
export function parseLimit(text: LimitText, field: string): readonly Window[] {
  const texts: readonly unknown[] = Array.isArray(text) ? text : [text];
  if (texts.length === 0) throw new DefinitionError(field, "names no limit");
  const windows = texts
    .map((one) => parseOne(one, field))
    .toSorted((a, b) => a.widthMs - b.widthMs);
  for (const [i, { widthMs, label }] of windows.entries())
    if (windows[i + 1]?.widthMs === widthMs)
      throw new DefinitionError(field, `has two limits for a span of ${label}`);
  return windows;
}

function parseOne(text: unknown, field: string): Window {
  const match = typeof text === "string" ? SHAPE.exec(text) : null;
  const wrong = (why: string) => new DefinitionError(field, `${JSON.stringify(text)} ${why}`);
  if (match === null)
    throw wrong('is not a limit such as "100/1m": tokens, a slash, and a span in ms, s, m, h or d');
  const [, tokens, amount, unit = ""] = match;
  const limit = Number(tokens);
  const widthMs = Number(amount) * (UNIT_MS[unit] ?? Number.NaN);
  if (limit === 0) throw wrong("admits nothing; at least 1 token");
  if (widthMs === 0) throw wrong("has a span of 0");
  if (widthMs > MAX_WIDTH_MS) throw wrong("has a span of more than 31 days");
  if (limit * widthMs > MAX_PRODUCT) throw wrong("is too large to be counted exactly");
  return { limit, widthMs, label: `${Number(amount)}${unit}` };
}
