import type { Step } from "../transcript.ts";

/** 2^53 - 1, the score of the log's markers. */
export const TOP = 9_007_199_254_740_991;
/** A time in microseconds. */
export const MICROS = 1_790_000_000_123_457;

/** Adds to an invalidation log, in the form in which the Worker keeps it. */
export const LOG: Step = [
  "ZADD",
  "inv",
  MICROS,
  "!seq",
  TOP,
  "!era:r1",
  MICROS,
  "t:a",
  MICROS - 1,
  "t:b",
  TOP,
  "!floor:0",
];
