/** A recording holds the pieces of one running answer. Every reader reads it from its beginning. */
import type { AnswerEnd, Batch, Frame } from "../core/answers.ts";
import type { ByteBudget } from "../core/byte-budget.ts";
import type { LogPosition } from "../core/entry.ts";
import type { Clock, EpochMs } from "../core/time.ts";
import { createCallReaders, type CallReaders } from "./call-readers.ts";

export interface RecordingOptions {
  readonly id: string;
  readonly position: LogPosition;
  readonly now: Clock;
  readonly maxChars: number;
  /** Bounds the characters of all recordings. Default: no bound. */
  readonly budget?: ByteBudget;
}

export interface Recording<P, I> {
  readonly id: string;
  readonly position: LogPosition;
  readonly beganAt: EpochMs;
  /** The readers whose leaving ends the call. Without any, the call goes on. */
  readonly readers: CallReaders;
  /**
   * Adds a piece. Returns false, and adds nothing, if the answer is over or would become longer than
   * `maxChars`, or if the budget has no room for it.
   */
  add(piece: P, chars: number): boolean;
  /** Ends the answer. A second end changes nothing. */
  end(end: AnswerEnd<I>): void;
  /** Returns the frames from position `at` on, without waiting. */
  since(at: number): Batch<P, I>;
  /** Resolves when a frame or the end is added after this call. */
  changed(): Promise<void>;
  readonly ended: AnswerEnd<I> | undefined;
  /** Gives the characters back to the budget. The recording takes no further pieces. */
  release(): void;
}

/** A frame costs memory beside its text, so that an answer of many empty pieces is bounded too. */
const FRAME_CHARS = 16;

export function createRecording<P, I>(options: RecordingOptions): Recording<P, I> {
  const { id, position, now, maxChars, budget } = options;
  const beganAt = now();
  const frames: Frame<P>[] = [];
  let chars = 0;
  let isReleased = false;
  let ended: AnswerEnd<I> | undefined;
  let change = Promise.withResolvers<void>();

  function announce(): void {
    change.resolve();
    change = Promise.withResolvers<void>();
  }

  return {
    id,
    position,
    beganAt,
    readers: createCallReaders(),

    add(piece, size) {
      const cost = size + FRAME_CHARS;
      if (ended !== undefined || isReleased || chars + cost > maxChars) return false;
      if (budget?.take(cost) === false) return false;
      chars += cost;
      frames.push([Math.max(0, now() - beganAt), piece]);
      announce();
      return true;
    },

    end(end) {
      if (ended !== undefined) return;
      ended = end;
      announce();
    },

    since: (at) => ({ frames: frames.slice(at), end: ended }),
    changed: () => change.promise,
    release() {
      if (!isReleased) budget?.release(chars);
      isReleased = true;
    },
    get ended() {
      return ended;
    },
  };
}
