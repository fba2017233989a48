import type { Context } from "./context.ts";
import type { DeferredKeys } from "./log-deferrals.ts";
import type { LogAnswer } from "./log.ts";
import type { Seq } from "./seq.ts";
import type { EpochMs, Millis } from "./time.ts";

/** The share of one data centre: the newest answer of the log that one of its isolates got. No method rejects. */
export interface NearShare {
  /** Returns the share. Its instant is one of this isolate's clock. Undefined if there is none of use. */
  read(ctx: Context): Promise<LogAnswer | undefined>;
  write(answer: LogAnswer, ctx: Context): Promise<void>;
  /** Whether this isolate wrote the share that is there now. */
  isOwn(ctx: Context): Promise<boolean>;
  /** Whether another isolate of the data centre asks at the moment. This is a hint only. */
  isClaimed(ctx: Context): Promise<boolean>;
  claim(ctx: Context): Promise<void>;
}

/** The log object of the region. */
export interface RegionLog {
  /** Opens a session. It ends with the request that opened it, or earlier with `close`. */
  open(ctx: Context): RegionLogSession;
  /**
   * Returns the deferred invalidations that the log object knows. Undefined if it gives no answer
   * soon. Never rejects.
   */
  deferred(ctx: Context): Promise<DeferredKeys | undefined>;
}

/** Several questions to the log object that are billed as one request. No method throws or rejects. */
export interface RegionLogSession {
  /**
   * Returns the changes from `since` on, as an answer to this isolate. Undefined if the object does
   * not have all of them, or gives no answer within `timeoutMs`.
   */
  ask(since: Seq, timeoutMs: Millis): Promise<LogAnswer | undefined>;
  close(): void;
}

/** A sync that may be answered by a share. */
export interface SharedQuestion {
  readonly since: Seq;
  /** The stamp of the log view that the answer replaces. */
  readonly stamp: EpochMs;
  /** Applies an answer. Returns false if it is of no use. */
  readonly apply: (answer: LogAnswer) => boolean;
  /** The instant at which the isolate asks Redis, if no share has answered. */
  readonly until: EpochMs;
}

/** The syncs of one isolate, as far as shares may answer them. */
export interface SharedSyncs {
  /** The coherence window of the read that started the first sync. */
  readonly windowMs: Millis;
  /** Returns the question of a sync that begins now. */
  next(): SharedQuestion;
  /** Whether a read used the log view since the last call, and shares may still answer. */
  isWanted(): boolean;
}

/** The answers of the log that other isolates have heard. No method rejects. */
export interface LogShares {
  /** Returns the part of the coherence window after which the next background sync begins. */
  backgroundPart(): number;
  /**
   * Answers a background sync from a share. Returns false if Redis must be asked. If this isolate
   * becomes the leader of its data centre, it goes on with further syncs for one term.
   */
  hear(syncs: SharedSyncs, ctx: Context): Promise<boolean>;
  /** Answers a sync for which a read waits, if the share of the data centre is there already. */
  hearNear(apply: SharedQuestion["apply"], ctx: Context): Promise<boolean>;
  /** Asks the log object for deferred invalidations, beside a question to Redis that cannot tell them. */
  deferred(ctx: Context): Promise<DeferredKeys | undefined>;
  /** Shares an answer of Redis with the data centre. */
  offer(answer: LogAnswer, ctx: Context): Promise<void>;
}
