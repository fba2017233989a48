/** The stream in which a client gets an answer. */
import type { Batch, Feed } from "../core/answers.ts";
import type { Millis } from "../core/time.ts";
import type { After } from "./record-call.ts";

/** A client that reads nothing for this time is cut off, so that it does not hold its answer for ever. */
const MAX_STALL_MS: Millis = 30_000;

/**
 * Makes the stream of an answer. It reads the feed as fast as the client reads the stream. `chunksOf` makes the
 * chunks of a batch.
 */
export function streamOf<P, I, T>(
  feed: Feed<P, I>,
  chunksOf: (batch: Batch<P, I>) => readonly T[],
  after: After,
): ReadableStream<T> {
  let stopTimer = (): void => undefined;

  function startTimer(controller: ReadableStreamDefaultController<T>): void {
    stopTimer = after(MAX_STALL_MS, () => {
      feed.cancel();
      controller.error(new Error("the client reads too slowly"));
    });
  }

  return new ReadableStream<T>(
    {
      start: startTimer,
      async pull(controller) {
        stopTimer();
        const batch = await feed.next();
        for (const chunk of chunksOf(batch)) controller.enqueue(chunk);
        if (batch.end === undefined) startTimer(controller);
        else controller.close();
      },
      cancel() {
        stopTimer();
        feed.cancel();
      },
    },
    { highWaterMark: 0 },
  );
}
