/**
 * The verdicts on entries that an answer of the log allows. The view alone gives its verdict in log.ts.
 * This file has no I/O and no clock.
 */
import type { Entry } from "./entry.ts";
import type { Dated } from "./entry.ts";
import { isUnconfirmed, verdictByView, type LogAnswer, type Verdict } from "./log.ts";
import { type LogView } from "./log-view.ts";
import type { Seq } from "./seq.ts";

/** The highest number of each kind that an entry's invalidation keys have. */
export interface HighestNumbers {
  readonly hard: Seq;
  readonly soft: Seq;
  readonly unconfirmed: Seq;
}

/** Validates an entry with the numbers that Redis returned in the same answer as `log`. */
export function verdictByNumbers(entry: Entry, numbers: HighestNumbers, log: LogAnswer): Verdict {
  if (log.era === undefined || log.seq === undefined) return "unknown";
  if (entry.era !== log.era) return "era";
  if (entry.asOf < log.floor) return "floor";
  if (numbers.hard > entry.asOf) return "invalidated";
  if (numbers.unconfirmed > entry.asOf) return "unconfirmed";
  return numbers.soft > entry.asOf ? "soft" : "valid";
}

/**
 * Returns the verdict on an entry after the log gave `answer` about it. The view also knows the
 * invalidations of this isolate, which the answer may lack.
 */
export function verdictWithAnswer(view: LogView, entry: Dated, answer: Verdict): Verdict {
  if (verdictByView(view, entry) === "invalidated") return "invalidated";
  const isAllowed = answer === "valid" || answer === "soft";
  return isAllowed && isUnconfirmed(view, entry) ? "unconfirmed" : answer;
}

/**
 * Returns the entry with the highest number that is above all numbers of the log in the same answer.
 * If there is one, the log has lost numbers, or a replica lags.
 */
export function newestAhead(entries: readonly Entry[], { era, seq }: LogAnswer): Entry | undefined {
  if (seq === undefined) return undefined;
  let newest: Entry | undefined;
  for (const entry of entries)
    if (entry.era === era && entry.asOf > (newest?.asOf ?? seq)) newest = entry;
  return newest;
}
