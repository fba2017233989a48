/** The answer to one question, as a route sends it. */
import type { Lookup } from "../core/lookup.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { AnswerFault } from "./answer-fault.ts";
import type { ChatAnswer } from "./chat-answers.ts";
import type { LanguageModelMiddleware, ModelCacheOptions } from "./language-model.ts";
import type { Question } from "./question.ts";
import type { After } from "./record-call.ts";
import { atRecordedPace, eventsOf, textOf, type AnswerText } from "./read-answer.ts";

/** Answers questions with the model of `LLM_BASE_URL`, through the cache: `strata.answers`. */
export interface Answers<C> {
  /**
   * Answers a question: from a tier, from the recording of a running call, or with a call of the model.
   *
   * @throws {CacheUnavailable} if there is no answer and the model gives none
   * @example
   * app.get("/haiku", async (c) => {
   *   const reply = await strata.answers?.ask(c, {
   *     scope: "message",
   *     group: "haiku",
   *     promptVersion: "1",
   *     messages: [{ role: "user", content: "A haiku about caches" }],
   *   });
   *   if (reply === undefined) return c.text("LLM_BASE_URL is not set", 503);
   *   return c.body(reply.events(), 200, { "Content-Type": "text/event-stream" });
   * });
   */
  ask(c: C, question: Question): Promise<Reply>;
}

/**
 * Creates a middleware of the AI SDK for one request: `wrapLanguageModel({ model, middleware })`. The isolate
 * itself calls the model, so that only the questions of one isolate share a running call.
 *
 * @example
 * app.get("/haiku", async (c) => {
 *   const middleware = strata.modelCache(c, {
 *     scope: "message",
 *     group: "haiku",
 *     promptVersion: "1",
 *   });
 *   return c.text(middleware.specificationVersion);
 * });
 */
export type ModelCache<C> = (c: C, options: ModelCacheOptions) => LanguageModelMiddleware;

/** The answer to one question. Call `text` or `events`, once. */
export interface Reply {
  /** Where the answer is from. */
  readonly lookup: Lookup;
  /** The name of the model that gave the answer. */
  readonly model: string;
  /** The age of a stored answer in seconds. Undefined if the model gives it now. */
  readonly ageSeconds: number | undefined;
  /**
   * Waits for the whole answer. If the model cuts it off, a stale answer takes its place.
   *
   * @throws {CacheUnavailable} if there is no stale answer either
   */
  text(): Promise<AnswerText>;
  /**
   * Returns the answer as server-sent events in the form of OpenAI. With `pace: "recorded"` a stored answer comes
   * as slowly as the model once gave it. Default: "full".
   */
  events(options?: { readonly pace?: "full" | "recorded" }): ReadableStream<Uint8Array>;
}

export interface ReplyPorts {
  readonly now: () => EpochMs;
  readonly sleep: (ms: Millis) => Promise<void>;
  readonly after: After;
  readonly model: string;
}

/** The data of the event `error`. Its members are those of a problem response. */
const CUT_OFF = {
  type: "urn:strata:problem:answer-cut-off",
  title: "Answer Cut Off",
  status: 502,
  detail: "The model did not send the whole answer. Ask again.",
};

/** The digits of the key's hash in the id of an answer. */
const ID_DIGITS = 24;

export function createReply(answer: ChatAnswer, { now, sleep, after, model }: ReplyPorts): Reply {
  const { lookup, isReplay, feed } = answer;
  const { entry, key } = lookup;
  const hash = key.slice(key.lastIndexOf(":") + 1);
  return {
    lookup,
    model,
    ageSeconds:
      entry === undefined ? undefined : Math.max(0, Math.floor((now() - entry.storedAt) / 1_000)),

    async text() {
      try {
        return await textOf(feed);
      } catch (error) {
        if (!(error instanceof AnswerFault)) throw error;
        return textOf((await answer.stale(error.fault)).feed);
      }
    },

    events({ pace = "full" } = {}) {
      const paced = isReplay && pace === "recorded" ? atRecordedPace(feed, now, sleep) : feed;
      const id = `answer-${hash.slice(0, ID_DIGITS)}`;
      return eventsOf(paced, { id, model, cutOff: CUT_OFF, after });
    },
  };
}
