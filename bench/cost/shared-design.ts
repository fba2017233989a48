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
  /** An isolate asks the object itself if there is no share this long before it would ask Redis. */
  readonly objectMs: number;
  readonly lookAgainMs: number;
  /** For this time, a claim keeps the other isolates of the data centre from asking the object. */
  readonly claimMs: number;
}

export const SHARED: SharedDesign = {
  tickMs: 600,
  recentMs: 450,
  repeatPollMs: 110,
  marginMs: 50,
  leaderPart: 0.65,
  followerPart: 0.8,
  jitterPart: 0.04,
  giveUpPart: 1,
  objectMs: 0,
  lookAgainMs: 40,
  claimMs: 400,
};
