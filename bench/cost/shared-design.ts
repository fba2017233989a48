import * as timing from "../../src/core/share-timing.ts";

/** The parts of the design that can be tuned. Those called part are parts of the coherence window. */
export interface SharedDesign {
  /** The object of a region asks Redis at most once in this time. */
  readonly tickMs: number;
  /** The object answers with its last poll if that is at most this old, and otherwise with the next one. */
  readonly recentMs: number;
  /** The object asks Redis once more if there is no answer after this time. `Infinity`: it waits. */
  readonly repeatPollMs: number;
  /** Added to the age of a share, because two clocks are compared. */
  readonly marginMs: number;
  /** The leader syncs when its view is of this age. */
  readonly leaderPart: number;
  /** The other isolates look for the share when their view is of this age. */
  readonly followerPart: number;
  /** At most this part is added to both, at random. */
  readonly jitterPart: number;
  /** A background sync of a view of this age asks Redis. */
  readonly giveUpPart: number;
  readonly lookAgainMs: number;
  /** For this time, a claim keeps the other isolates of the data centre from asking the object. */
  readonly claimMs: number;
  /** A leader asks for this time with one session, which is billed as one request. 0: once. */
  readonly termMs: number;
}

/** The tuning of the product. */
export const SHARED: SharedDesign = {
  tickMs: timing.TICK_MS,
  recentMs: timing.RECENT_MS,
  repeatPollMs: timing.REPEAT_POLL_MS,
  marginMs: timing.CLOCK_MARGIN_MS,
  leaderPart: timing.LEADER_PART,
  followerPart: timing.FOLLOWER_PART,
  jitterPart: timing.JITTER_PART,
  giveUpPart: timing.GIVE_UP_PART,
  lookAgainMs: timing.LOOK_AGAIN_MS,
  claimMs: timing.CLAIM_MS,
  termMs: timing.TERM_MS,
};
