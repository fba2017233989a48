import type { Millis } from "./time.ts";

/** Says that a wait took longer than its deadline. */
export class DeadlineExceeded extends Error {
  constructor(ms: Millis) {
    super(`no answer within ${ms} ms`);
    this.name = "DeadlineExceeded";
  }
}

export function isDeadlineExceeded(error: unknown): error is DeadlineExceeded {
  return error instanceof DeadlineExceeded;
}

/**
 * Returns `work`, or rejects with DeadlineExceeded after `ms`. It is injected, since `core` has no
 * timers; `resilience/deadline.ts` has the implementation.
 */
export type WithTimeout = <T>(work: Promise<T>, ms: Millis) => Promise<T>;
