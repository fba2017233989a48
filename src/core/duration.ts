import { DefinitionError } from "./faults.ts";
import type { Millis } from "./time.ts";

/** A number of milliseconds, or a number with a unit: "250ms", "30s", "5m", "1h", "7d". */
export type Duration = Millis | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** The units of durations and of the spans of rate limits, in milliseconds. */
const UNIT_MS: Readonly<Record<string, Millis>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Converts a duration to milliseconds. @throws {DefinitionError} that names `field` if the text is
 * not a duration.
 */
export function toMillis(duration: Duration, field: string): Millis {
  const ms = typeof duration === "number" ? duration : parse(duration);
  if (ms === undefined || !Number.isFinite(ms) || ms < 0)
    throw new DefinitionError(
      field,
      `${JSON.stringify(duration)} is not a duration such as "5m" or 250`,
    );
  return ms;
}

function parse(text: string): Millis | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  const unit = UNIT_MS[match?.[2] ?? ""];
  return match && unit !== undefined ? Number(match[1]) * unit : undefined;
}
