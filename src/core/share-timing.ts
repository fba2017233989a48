/**
 * The times by which isolates share answers of the log. The model of cost imports them too:
 * docs/operations/cost.md has what they cost, and docs/decisions/0022-share-syncs.md why they are so.
 */
import type { Millis } from "./time.ts";

/**
 * The log object of a region asks Redis at most once in this time. Cloudflare has nine location
 * hints, so nine objects ask at most 16 times a second.
 */
export const TICK_MS: Millis = 550;
/**
 * The log object answers at once if it asked Redis at most this long ago. Otherwise the question
 * waits for the next tick, so for at most 100 ms.
 */
export const RECENT_MS: Millis = 450;
/** The log object asks Redis a second time if it has no answer after this time. */
export const REPEAT_POLL_MS: Millis = 110;
/** Clocks of one data centre differ by at most this much. The time is added to the age of a share. */
export const CLOCK_MARGIN_MS: Millis = 50;
/**
 * Only reads with a coherence window of at least this length use shares. A shorter window has no
 * room for a tick, two hops and the margin.
 */
export const MIN_WINDOW_MS: Millis = 1_000;
/**
 * The leader of a data centre syncs after this part of the window. The answer is in the data centre
 * before the other isolates look for it.
 */
export const LEADER_PART = 0.5;
/** The other isolates look for the share of their data centre after this part of the window. */
export const FOLLOWER_PART = 0.75;
/** A random part of the window is added, so that two isolates seldom begin in the same millisecond. */
export const JITTER_PART = 0.03;
/** After this part of the window, a background sync stops waiting for a share and asks Redis. */
export const GIVE_UP_PART = 0.97;
/** The pause between two looks at the share while another isolate asks. */
export const LOOK_AGAIN_MS: Millis = 40;
/** A claim older than this is ignored: its isolate has its answer, or has ended. */
export const CLAIM_MS: Millis = 300;
/**
 * The time for which an isolate leads its data centre with one session of the log object. The platform
 * ends background work 30 s after the response, and a request of its free plan may make 50 calls: a
 * term of 14 rounds makes about 30.
 */
export const TERM_MS: Millis = 8_000;
