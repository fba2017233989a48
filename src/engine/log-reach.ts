/** Tells whether the log is out of reach of the reads of one isolate. */
import type { EpochMs, Millis } from "../core/time.ts";

/** After this many syncs in a row without an answer, the log is out of reach. */
const AWAY_AFTER = 2;
/** The log is out of reach for this many time limits after the last attempt. After that, a read must ask again. */
const AWAY_TIMEOUTS = 1.25;

export interface LogReach {
  /** Records that the log has answered. */
  recordAnswer(): void;
  /** Records a sync without an answer. */
  recordMiss(now: EpochMs): void;
  /** Records that a sync started for which no read waits. */
  recordProbe(now: EpochMs): void;
  isAway(now: EpochMs): boolean;
}

export function createLogReach(timeoutMs: Millis): LogReach {
  let missed = 0;
  let triedAt: EpochMs = -Infinity;

  return {
    recordAnswer() {
      missed = 0;
    },
    recordMiss(now) {
      missed++;
      triedAt = now;
    },
    recordProbe(now) {
      triedAt = now;
    },
    isAway: (now) =>
      missed >= AWAY_AFTER && now >= triedAt && now - triedAt < timeoutMs * AWAY_TIMEOUTS,
  };
}
