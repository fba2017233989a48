import type { Millis } from "./time.ts";

/**
 * Runs the relay of the outbox at a given time. The rows are in the outbox, so a call that is lost
 * only delays them until the cron trigger runs the relay.
 */
export interface RelayAlarm {
  /** Rejects if the alarm may not have been set. */
  wake(inMs: Millis): Promise<void>;
}
