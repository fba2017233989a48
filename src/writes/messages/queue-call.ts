/** Calls of a queue of Cloudflare, within its limits. */
import { isDeadlineExceeded, type WithTimeout } from "../../core/deadline.ts";
import { done, failed, messageOf } from "../../core/faults.ts";
import type { Result } from "../../core/result.ts";
import type { Millis } from "../../core/time.ts";

export interface QueueCallOptions {
  readonly queue: Queue;
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
  /** Called at the end of each call. */
  readonly onSend: (succeeded: boolean) => void;
}

/** A body to send, and the pause before its delivery. */
export interface Outgoing<T = unknown> {
  readonly body: T;
  readonly delaySeconds: number;
}

/**
 * Sends messages. If the result is a fault, some of the messages may be in the queue all the same.
 * Never rejects.
 */
export type QueueCall = (messages: readonly Outgoing[]) => Promise<Result<void>>;

/** The limits of one call: 100 messages, and 256 KB together. */
const MAX_BATCH = 100;
const MAX_BATCH_BYTES = 250_000;
/** The limit of `delaySeconds`: 12 hours. */
export const MAX_DELAY_SECONDS = 43_200;

export function createQueueCall(options: QueueCallOptions): QueueCall {
  const { queue, timeoutMs, withTimeout, onSend } = options;
  return async (messages) => {
    try {
      for (const part of partsOf(messages)) {
        const requests = part.map(({ body, delaySeconds }) => ({
          body,
          contentType: "json" as const,
          ...(delaySeconds > 0 && { delaySeconds: Math.min(MAX_DELAY_SECONDS, delaySeconds) }),
        }));
        await withTimeout(queue.sendBatch(requests), timeoutMs);
      }
      onSend(true);
      return done(undefined);
    } catch (error) {
      onSend(false);
      return isDeadlineExceeded(error)
        ? failed("queue.timeout", error.message)
        : failed("queue.unavailable", messageOf(error));
    }
  };
}

function* partsOf(messages: readonly Outgoing[]): Generator<readonly Outgoing[]> {
  let part: Outgoing[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = jsonBytes(message.body);
    if (part.length === MAX_BATCH || (part.length > 0 && bytes + size > MAX_BATCH_BYTES)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(message);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

/** Returns the size of a value as JSON, in bytes of UTF-8. */
export function jsonBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}
