/** Builds the answers that one isolate reads and records itself. */
import { createAsk, type Ask } from "../answers/ask.ts";
import type { LocalJoinOptions } from "../answers/local-join.ts";
import { createPlaces } from "../answers/places.ts";
import { createRecordings } from "../answers/recordings.ts";
import type { Millis } from "../core/time.ts";
import type { Engine } from "../engine/engine.ts";
import { after, type Platform } from "../platform.ts";
import { withTimeout } from "../resilience/deadline.ts";

/** A reader of a recording of this isolate looks for frames at least this often. */
const LOOK_EVERY_MS = 1_000;
/** The longest wait for the tier reads of another question. */
const PEEK_MS = 2_000;

export interface AnswerSettings {
  readonly firstPieceTimeoutMs: Millis;
  readonly timeoutMs: Millis;
  readonly maxChars: number;
  readonly maxCalls: number;
  readonly maxStreams: number;
}

export interface LocalAnswers {
  readonly ask: Ask;
  readonly local: LocalJoinOptions;
}

export function composeLocalAnswers(
  engine: Engine,
  { firstPieceTimeoutMs, timeoutMs, maxChars, maxCalls, maxStreams }: AnswerSettings,
  { now, newId }: Pick<Platform, "now" | "newId">,
): LocalAnswers {
  const limits = { firstMs: firstPieceTimeoutMs, totalMs: timeoutMs, maxChars };
  const ask = createAsk({
    engine,
    newId,
    calls: createPlaces(maxCalls, timeoutMs, now),
    streams: createPlaces(maxStreams, timeoutMs, now),
    withTimeout,
    peekTimeoutMs: PEEK_MS,
  });
  const recordings = createRecordings({
    now,
    newId,
    after,
    lingerMs: 0,
    // The timer keeps the request alive: workerd ends one that waits for another request only.
    waitFor: (change) => withTimeout(change, LOOK_EVERY_MS).catch(() => undefined),
  });
  return { ask, local: { recordings, engine, after, limits } };
}

/**
 * Cancels a feed when its request is aborted. A stream does not learn that its client has left:
 * https://github.com/cloudflare/workerd/issues/6832.
 */
export function cancelWith(signal: AbortSignal, feed: { cancel(): void }): void {
  if (signal.aborted) feed.cancel();
  else signal.addEventListener("abort", () => feed.cancel(), { once: true });
}
