import type { Millis } from "./time.ts";

/** A wait that took longer than its deadline. */
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
 * Returns `work`, or rejects with DeadlineExceeded after `ms`. Injected, because timers belong
 * to the platform; `resilience/deadline.ts` has the implementation.
 */
export type WithTimeout = <T>(work: Promise<T>, ms: Millis) => Promise<T>;
