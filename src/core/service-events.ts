/** The events of what an application builds on the cache: messages, tasks, live events and answers of a model. */
import type { ListenerStart, ListenRefusal, LiveTransport } from "./live-event.ts";
import type { EpochMs, Millis } from "./time.ts";

export type ServiceEvent =
  | {
      /** Messages were sent to the queue, or the queue refused them. */
      readonly type: "message.send";
      readonly kind: string;
      readonly count: number;
      readonly startedAt: EpochMs;
      readonly ms: Millis;
      readonly outcome: string;
      /** The id of the span, which the messages carry. Empty without telemetry. */
      readonly spanId: string;
    }
  | {
      /** The consumer is done with deliveries of messages. */
      readonly type: "message.end";
      /** The kind of the messages, or "" if the application has no effect of their kind. */
      readonly kind: string;
      readonly count: number;
      readonly outcome: MessageOutcome;
    }
  | {
      /** A run of one task of the cron trigger ended. */
      readonly type: "task.end";
      readonly task: string;
      readonly outcome: TaskOutcome;
      readonly ms: Millis;
      /** Why the task was skipped or has failed. */
      readonly detail?: string | undefined;
    }
  | {
      /** The events of a topic were delivered to its object, or their delivery was deferred. */
      readonly type: "live.deliver";
      readonly events: number;
      readonly outcome: "done" | "deferred";
    }
  | {
      /** A client asked for a connection to a topic. */
      readonly type: "live.listen";
      readonly transport: LiveTransport;
      /** The first message of the client, or the reason of a refusal. */
      readonly outcome: ListenerStart | ListenRefusal;
    }
  | {
      /** A reader has read an answer of a model to its end, or has left it. */
      readonly type: "answer.end";
      readonly source: AnswerSource;
      readonly outcome: AnswerOutcome;
      /** The tokens that the model counted for the whole answer; 0 if it was not whole or did not say. */
      readonly inputTokens: number;
      readonly outputTokens: number;
    };

/**
 * The outcome of one run of a task.
 * - `done`: its work is finished
 * - `continued`: its time was used up, and the next run goes on
 * - `skipped`: another isolate runs it, it is not due yet, or the run had no time left
 * - `failed`: a step failed or took too long, or the lease was lost
 */
export type TaskOutcome = "done" | "continued" | "skipped" | "failed";

/**
 * How a delivery of a message ended.
 *
 * - `applied`: its effect was committed
 * - `duplicate`: its effect was committed before
 * - `retried`: it failed and is delivered again
 * - `held`: the consumer is paused, so it is delivered again
 * - `dead`: it was given up and sent to the dead-letter queue
 */
export type MessageOutcome = "applied" | "duplicate" | "retried" | "held" | "dead";

/**
 * Where an answer of a model came from: a `call` of the model, the recording of a running call
 * (`joined`), a stored answer (`hit`), or a stored one past its lifetime, because the model failed (`stale`).
 */
export type AnswerSource = "call" | "joined" | "hit" | "stale";

/**
 * How the answer ended for one reader. `unstorable`: it arrived, and may not be stored. `cut`: the model
 * did not send all of it. `left`: the reader has left.
 */
export type AnswerOutcome = "whole" | "unstorable" | "cut" | "left";
