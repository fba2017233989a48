import type { Millis } from "./time.ts";

/**
 * Wakes the relay of the outbox at a time. The outbox is what is kept: a call that is lost
 * costs a wait for the cron trigger.
 */
export interface RelayAlarm {
  /** Rejects if the alarm may not be set. */
  wake(inMs: Millis): Promise<void>;
}
