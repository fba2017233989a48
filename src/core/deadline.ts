import type { Millis } from "./time.ts";

/** The error of a wait that took longer than its deadline. */
export class DeadlineExceeded extends Error {
  constructor(ms: Millis) {
    super(`no answer within ${ms} ms`);
    this.name = "DeadlineExceeded";
  }
}

/** Compares the name, so that an error from another bundle or service counts too. */
export function isDeadlineExceeded(error: unknown): error is Error {
  return error instanceof Error && error.name === "DeadlineExceeded";
}

/**
 * Returns the result of `work`, or rejects with DeadlineExceeded after `ms` milliseconds. The
 * function is injected, because `core` has no timers. `resilience/deadline.ts` implements it.
 */
export type WithTimeout = <T>(work: Promise<T>, ms: Millis) => Promise<T>;
