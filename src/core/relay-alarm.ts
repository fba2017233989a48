import type { Millis } from "./time.ts";

/**
 * Wakes the relay of the outbox at a given time. If a call is lost, the rows are only delayed: they
 * stay in the outbox until the cron trigger runs the relay.
 */
export interface RelayAlarm {
  /**
   * Sets the alarm to ring in `inMs` milliseconds at the latest. Rejects if the alarm may not have
   * been set.
   */
  wake(inMs: Millis): Promise<void>;
}
