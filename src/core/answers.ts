/** The words of streamed answers that the room answers and the Durable Object share. */
import type { LogPosition } from "./entry.ts";
import type { Fault } from "./faults.ts";
import type { EpochMs, Millis } from "./time.ts";

/** The most characters of all recordings of an isolate or object, with 16 for each piece. A call that needs more is cut off. */
export const MAX_RUNNING_CHARS = 2 * 2 ** 20;
/** The highest limit of one answer: four of the longest answers run at a time. By default eight do. */
export const MAX_ANSWER_CHARS = MAX_RUNNING_CHARS / 4;

/** One piece of an answer, with the time between the start of the call and its arrival. */
export type Frame<P = unknown> = readonly [atMs: Millis, piece: P];

/**
 * How an answer ended. A failed one is cut off and never stored. `storable` says whether a later
 * question may get an answer that arrived as a whole.
 */
export type AnswerEnd<I = unknown> =
  | { readonly kind: "whole"; readonly storable: boolean; readonly info: I }
  | { readonly kind: "failed"; readonly fault: Fault };

/** The frames that a reader has not seen. `end` is set if no frame follows. */
export interface Batch<P = unknown, I = unknown> {
  readonly frames: readonly Frame<P>[];
  readonly end?: AnswerEnd<I> | undefined;
}

/** Reads one answer from its beginning, while it is recorded or from a store. */
export interface Feed<P = unknown, I = unknown> {
  /** Waits for frames or for the end. It is not called again after the end. */
  next(): Promise<Batch<P, I>>;
  /** Says that the reader leaves before the end. */
  cancel(): void;
}

/** The facts of a recording that a reader needs before it reads. */
export interface RecordingHead {
  readonly id: string;
  /** The log position of the isolate that began the call, before the call. */
  readonly position: LogPosition;
  readonly beganAt: EpochMs;
  /** Whether this reader's join began the call. */
  readonly started: boolean;
}

/** A recording that a reader has joined. */
export interface Joined<P = unknown, I = unknown> {
  readonly head: RecordingHead;
  readonly feed: Feed<P, I>;
}

/** The bounds of one call of a model. */
export interface CallLimits {
  /** The time until the first piece. */
  readonly firstMs: Millis;
  /** The time until the end. */
  readonly totalMs: Millis;
  /** The characters of all pieces together. */
  readonly maxChars: number;
}
