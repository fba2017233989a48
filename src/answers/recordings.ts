/** The table of running recordings. At most one recording of a key takes new readers. */
import {
  MAX_RUNNING_CHARS,
  type AnswerEnd,
  type Batch,
  type Feed,
  type Joined,
} from "../core/answers.ts";
import { createByteBudget } from "../core/byte-budget.ts";
import type { LogPosition } from "../core/entry.ts";
import { fault } from "../core/faults.ts";
import type { NewId } from "../core/random.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";
import type { After } from "./record-call.ts";
import type { CallReaders } from "./call-readers.ts";
import { createRecording, type Recording } from "./recording.ts";

/** A call that is alive ends itself within this time after its limit. */
const SLACK_MS: Millis = 1_000;

export interface RecordingsOptions {
  readonly now: Clock;
  readonly newId: NewId;
  readonly after: After;
  /** A whole answer is kept for this time, for readers that looked for it before it was stored. */
  readonly lingerMs: Millis;
  /** Waits for a change of a recording. An isolate waits with a timer of the reader's own request. */
  readonly waitFor: (change: Promise<void>) => Promise<unknown>;
}

export interface JoinRecording<P, I> {
  readonly key: string;
  /** The recording that this reader could not use, because it began before an invalidation. */
  readonly after?: string | undefined;
  readonly position: LogPosition;
  readonly maxChars: number;
  /** The longest time of a call. */
  readonly maxMs: Millis;
  /** Whether this reader may begin a call if there is no recording that it may join. */
  readonly mayStart: boolean;
  /** Begins the call for a new recording. It ends the recording, and never rejects. */
  begin(recording: Recording<P, I>): Promise<void>;
}

export interface JoinedRecording<P, I> extends Joined<P, I> {
  /** The readers of the recording. A reader that may end the call adds itself. */
  readonly readers: CallReaders;
}

export interface Recordings {
  /** Returns undefined if no recording runs that the reader may join, and it may not begin one. */
  join<P, I>(request: JoinRecording<P, I>): JoinedRecording<P, I> | undefined;
  /** The number of recordings that run or linger. */
  readonly size: number;
}

export function createRecordings(options: RecordingsOptions): Recordings {
  const { now, newId, after, lingerMs, waitFor } = options;
  const current = new Map<string, Recording<unknown, unknown>>();
  /** The recordings that hold characters, and the instant at which each is over in any case. */
  const holding = new Map<Recording<unknown, unknown>, EpochMs>();
  const budget = createByteBudget(MAX_RUNNING_CHARS);

  function release(recording: Recording<unknown, unknown>): void {
    recording.release();
    holding.delete(recording);
  }

  /** Forgets the recordings of calls whose invocation the platform has ended. */
  function forgetDead(): void {
    for (const [recording, until] of holding) if (until < now()) release(recording);
    for (const [key, recording] of current) if (!holding.has(recording)) current.delete(key);
  }

  function start<P, I>(request: JoinRecording<P, I>): Recording<P, I> {
    const { key, position, maxChars, maxMs, begin } = request;
    forgetDead();
    const recording = createRecording<P, I>({ id: newId(), position, now, maxChars, budget });
    const held = recording as unknown as Recording<unknown, unknown>;
    current.set(key, held);
    holding.set(held, now() + maxMs + SLACK_MS + lingerMs);
    const forget = (): void => {
      if (current.get(key) === held) current.delete(key);
      release(held);
    };
    void begin(recording).then(() => {
      // A cut answer takes no new readers: the next one makes a call of its own.
      if (isKept(recording.ended)) after(lingerMs, forget);
      else forget();
    });
    return recording;
  }

  /**
   * Ends a recording whose call takes longer than it may: the platform has ended the invocation of the call, and its
   * timers with it.
   */
  function endIfDead(recording: Recording<unknown, unknown>, maxMs: Millis): void {
    if (recording.ended !== undefined || now() <= recording.beganAt + maxMs + SLACK_MS) return;
    const ended = fault("origin.timeout", "the call was ended by the platform");
    recording.end({ kind: "failed", fault: ended });
  }

  return {
    join<P, I>(request: JoinRecording<P, I>) {
      const running = current.get(request.key);
      if (running !== undefined) endIfDead(running, request.maxMs);
      const isUsable =
        running !== undefined && running.id !== request.after && !running.readers.areGone;
      const usable = isUsable && running.ended?.kind !== "failed" ? running : undefined;
      if (usable === undefined && !request.mayStart) return undefined;
      const recording = (usable as Recording<P, I> | undefined) ?? start(request);
      const { id, position, beganAt } = recording;
      const head = { id, position, beganAt, started: usable === undefined };
      const wait = async (): Promise<void> => {
        await waitFor(recording.changed());
        endIfDead(recording, request.maxMs);
      };
      return { head, feed: feedOf(recording, wait), readers: recording.readers };
    },
    get size() {
      return current.size;
    },
  };
}

function isKept(end: AnswerEnd | undefined): boolean {
  return end?.kind === "whole" && end.storable;
}

/** Reads a recording from its beginning. */
function feedOf<P, I>(recording: Recording<P, I>, wait: () => Promise<void>): Feed<P, I> {
  let at = 0;
  return {
    async next(): Promise<Batch<P, I>> {
      for (;;) {
        const batch = recording.since(at);
        at += batch.frames.length;
        if (batch.frames.length > 0 || batch.end !== undefined) return batch;
        await wait();
      }
    },
    cancel: () => undefined,
  };
}
