/** The invalidation log as one record, for a store that keeps it as a text. */
import type { LogAnswer } from "../core/log.ts";
import type { Era, Seq } from "../core/seq.ts";
import type { EpochMs } from "../core/time.ts";

export interface LogRecord {
  readonly era: Era;
  /** The newest number. */
  readonly seq: Seq;
  /** Numbers at or below the floor have been removed. */
  readonly floor: Seq;
  /** The number of the latest invalidation of each log key. */
  readonly numbers: ReadonlyMap<string, Seq>;
}

/** If a record has more log keys, the older half is removed. */
const MAX_LOG_KEYS = 2_000;

/** Returns the record after an invalidation at `micros`, in microseconds since the epoch. */
export function withInvalidation(
  record: LogRecord,
  logKeys: readonly string[],
  micros: Seq,
): LogRecord {
  const seq = Math.max(record.seq + 1, micros);
  const numbers = new Map(record.numbers);
  for (const logKey of logKeys) numbers.set(logKey, seq);
  if (numbers.size <= MAX_LOG_KEYS) return { ...record, seq, numbers };
  const sorted = [...numbers.values()].toSorted((a, b) => a - b);
  const floor = sorted[sorted.length - MAX_LOG_KEYS / 2] ?? seq;
  for (const [logKey, number] of numbers) if (number <= floor) numbers.delete(logKey);
  return { ...record, seq, floor, numbers };
}

/** Returns the number of each log key, 0 for a log key that the record lacks. */
export function numbersOf(record: LogRecord | undefined, logKeys: readonly string[]): Seq[] {
  return logKeys.map((logKey) => record?.numbers.get(logKey) ?? 0);
}

/** A log that has not begun. */
const NO_RECORD = { era: undefined, seq: undefined, floor: 0, numbers: [] } as const;

/** Returns the answer of the log from the number `since` on, with at most `limit` changes, the newest ones. */
export function answerOf(
  record: LogRecord | undefined,
  since: Seq,
  limit: number,
  sentAt: EpochMs,
): LogAnswer {
  const { era, seq, floor, numbers } = record ?? NO_RECORD;
  const changes = [...numbers]
    .filter(([, number]) => number >= since)
    .toSorted(([, a], [, b]) => b - a);
  const truncated = changes.length > limit;
  return { sentAt, era, seq, floor, since, truncated, changes: changes.slice(0, limit) };
}

export function encodeRecord({ era, seq, floor, numbers }: LogRecord): string {
  return JSON.stringify([era, seq, floor, [...numbers]]);
}

/** Returns the record in a text. Undefined if the text is no record. */
export function decodeRecord(text: string): LogRecord | undefined {
  try {
    const [era, seq, floor, numbers] = JSON.parse(text) as [
      string,
      number,
      number,
      [string, number][],
    ];
    const isWhole = [seq, floor, ...numbers.map(([, number]) => number)].every(Number.isFinite);
    if (typeof era !== "string" || !isWhole) return undefined;
    return { era, seq, floor, numbers: new Map(numbers) };
  } catch {
    return undefined;
  }
}
