import type { Millis } from "../../core/time.ts";
import type { QueueBudget, ReaderQueue } from "../../live/queue-budget.ts";

export interface EventStreamOptions {
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  /** The pause after which the client connects again, when the stream has ended. */
  readonly retryMs: Millis;
  readonly heartbeatMs: Millis;
  /** The stream breaks off if more bytes than this wait for the client. */
  readonly maxQueuedBytes: number;
  /** The account of the bytes that wait for all clients of this isolate. */
  readonly budget: QueueBudget;
}

/**
 * Makes the body of a response with server-sent events from a socket whose messages are the text of such events.
 * The stream ends when the socket closes. The socket is closed when the client has gone or reads too
 * slowly; such a client connects again with the id of the last event that it has received whole.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function createEventStream(
  socket: WebSocket,
  { signal, retryMs, heartbeatMs, maxQueuedBytes, budget }: EventStreamOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let isOpen = true;
  let queue: ReaderQueue | undefined;
  let stopHeartbeat = (): void => undefined;

  function end(code: number): void {
    isOpen = false;
    if (queue !== undefined) budget.remove(queue);
    stopHeartbeat();
    try {
      socket.close(code);
    } catch {
      // The socket is closed already.
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const breakOff = (): void => {
          if (!isOpen) return;
          end(TOO_SLOW);
          controller.error(new Error("the client reads too slowly"));
        };
        // Another request may cut this one off. Only its own request may close its socket.
        const cut = Promise.withResolvers<void>();
        void cut.promise.then(breakOff);
        const ownQueue: ReaderQueue = {
          bytes: () => maxQueuedBytes - (controller.desiredSize ?? maxQueuedBytes),
          cutOff: cut.resolve,
        };
        queue = ownQueue;
        const write = (text: string): void => {
          if (!isOpen) return;
          controller.enqueue(encoder.encode(text));
          if ((controller.desiredSize ?? 0) < 0) breakOff();
          else budget.count(ownQueue);
        };
        const finish = (): void => {
          if (!isOpen) return;
          end(GONE);
          controller.close();
        };
        socket.addEventListener("message", ({ data }) => {
          if (typeof data === "string") write(data);
        });
        socket.addEventListener("close", finish);
        socket.addEventListener("error", finish);
        signal.addEventListener("abort", finish);
        const heartbeat = setInterval(() => write(":\n\n"), heartbeatMs);
        stopHeartbeat = () => clearInterval(heartbeat);
        write(`retry: ${retryMs}\n\n`);
        socket.accept();
        if (signal.aborted) finish();
      },
      cancel: () => end(GONE),
    },
    { highWaterMark: maxQueuedBytes, size: (chunk) => chunk.byteLength },
  );
}

/** The codes with which the socket is closed (RFC 6455, 7.4.1). */
const GONE = 1001;
const TOO_SLOW = 1008;
