/** The side of an isolate: joins the recording that the Durable Object of a key holds. */
import type { Batch, Feed, Joined } from "../core/answers.ts";
import { failed, fault } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { WithTimeout } from "../core/deadline.ts";
import type { Clock, Millis } from "../core/time.ts";
import { NONE_STATUS, HEAD_HEADER, type HostRequest, type SentHead } from "./answer-host.ts";
import type { ChatInfo } from "./chat-stream.ts";
import { createBatchDecoder } from "./frame-lines.ts";

/** Sends a join to the object of the key. */
export type AskHost = (request: HostRequest, region: string) => Promise<Response>;

/** Joins a recording. The fault `flight.unavailable` says that the object did not answer. */
export type JoinHost = (
  request: HostRequest,
  region: string,
) => Promise<Result<Joined<string, ChatInfo> | undefined>>;

/** The object answers the head of a recording at once. The call itself takes longer. */
const HEAD_MS: Millis = 2_000;
/** The object sends the end of a call within this time after the limit of the call, and pieces that it has within this time. */
const SLACK_MS: Millis = 5_000;

export function createJoinHost(ask: AskHost, now: Clock, withTimeout: WithTimeout): JoinHost {
  return async (request, region) => {
    const askedAt = now();
    const asked = ask(request, region);
    try {
      const response = await withTimeout(asked, HEAD_MS);
      if (response.status === NONE_STATUS) return { ok: true, value: undefined };
      const sent = response.headers.get(HEAD_HEADER);
      if (response.body === null || sent === null)
        return failed("flight.unavailable", `the answer object answered ${response.status}`);
      const { agoMs, ...head } = JSON.parse(sent) as SentHead;
      const beganAt = askedAt - agoMs;
      const endsAt = beganAt + request.limits.totalMs;
      const feed = feedOf(response.body as ReadableStream<Uint8Array>, (read) =>
        withTimeout(read, SLACK_MS + Math.max(0, endsAt - now())),
      );
      return { ok: true, value: { head: { ...head, beganAt }, feed } };
    } catch {
      // A late answer has no reader.
      asked.then(
        ({ body }) => body?.cancel(),
        () => undefined,
      );
      return failed("flight.unavailable", "the answer object did not answer");
    }
  };
}

/**
 * Reads the lines of the object. A stream that ends without an end line was cut off, and so was one from which `inTime`
 * gets no bytes.
 */
function feedOf(
  body: ReadableStream<Uint8Array>,
  inTime: <T>(read: Promise<T>) => Promise<T>,
): Feed<string, ChatInfo> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const lines = createBatchDecoder<string, ChatInfo>();
  const cut: Batch<string, ChatInfo> = {
    frames: [],
    end: { kind: "failed", fault: fault("flight.unavailable", "the answer object has stopped") },
  };
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  return {
    async next() {
      try {
        for (;;) {
          const { done, value } = await inTime(reader.read());
          if (done) return cut;
          const batch = lines.feed(decoder.decode(value, { stream: true }));
          if (batch.frames.length > 0 || batch.end !== undefined) return batch;
        }
      } catch {
        cancel();
        return cut;
      }
    },
    cancel,
  };
}
