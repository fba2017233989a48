/** The messages of one layer: sending, effects, the consumer, and its pause. */
import type { SQL } from "drizzle-orm";
import type { Context } from "../../core/context.ts";
import type { WithTimeout } from "../../core/deadline.ts";
import { DefinitionError, failed, originFaultOf } from "../../core/faults.ts";
import type { NewId } from "../../core/random.ts";
import type { Result } from "../../core/result.ts";
import type { EpochMs, Millis } from "../../core/time.ts";
import type { ChangeQueue, QueuedChange } from "../behind.ts";
import type { Database } from "../outbox.ts";
import type { Writer } from "../writer.ts";
import type { AttemptLimits } from "./attempt.ts";
import { createConsumer } from "./consumer.ts";
import { createDeadLetterConsumer } from "./dead-letter-consumer.ts";
import { createDeadLetters, type DeadLetters } from "./dead-letters.ts";
import type { QueueMessage } from "./deliveries.ts";
import type { Effect } from "./effect.ts";
import { countUnapplied, readState, setPaused, trimIds } from "./processed.ts";
import { createQueueCall, type QueueCall } from "./queue-call.ts";
import { createSender } from "./sender.ts";

/** Reliable messages: each is applied once, however often the queue delivers it. */
export interface Messages extends ChangeQueue {
  /**
   * Sets the effect of the messages of one kind. Call it when the layer is created.
   *
   * @example
   * strata.jobs.messages.define({
   *   kind: "restock",
   *   statements: (messages) =>
   *     messages.map(({ payload }) =>
   *       strata.db
   *         .update(products)
   *         .set({ stock: 7 })
   *         .where(eq(products.id, Number(payload))),
   *     ),
   *   tags: (messages) => messages.map(({ payload }) => `product:${Number(payload)}`),
   * });
   * await strata.jobs.messages.send({ id: "restock-1", kind: "restock", payload: 42 }, c.var.strata.ctx);
   */
  define(effect: Effect): void;
  /**
   * Sends a message. After a fault the message may be in the queue all the same; send it again with
   * the same id then.
   *
   * @throws {DefinitionError} if the id, the kind or the size is not allowed
   */
  send(change: QueuedChange, ctx: Context): Promise<Result<void>>;
  /** Returns a new id for a message. */
  newId(): string;
  /** Whether the bindings `QUEUE` and `DEAD_LETTERS` exist. Without them no message can be sent. */
  readonly isBound: boolean;
  /**
   * Returns a SQL expression of the type bigint: how many of the ids belong to messages whose
   * effect is not committed. In one statement with the rows of the effect both are of one instant.
   */
  countUnapplied(ids: readonly string[]): SQL<number>;
  /** Stops the consumer, in all isolates. Messages wait in the queue, and lose no attempts. */
  pause(): Promise<void>;
  /** Lets the consumer go on. Messages that were held come within 30 seconds. */
  resume(): Promise<void>;
  /** Returns whether the consumer is paused, and how many messages wait. */
  state(): Promise<MessagesState>;
  /** The messages that the consumer has given up. */
  readonly deadLetters: DeadLetters;
}

/** The state of the consumer and of its queue. */
export interface MessagesState {
  /** Whether the consumer is paused. */
  readonly paused: boolean;
  /** The messages in the queue as the platform counts them, held ones included. */
  readonly backlog: number | undefined;
  /** When the oldest of them was sent to the queue. */
  readonly oldestAt: EpochMs | undefined;
}

/** The part of a batch of Cloudflare Queues that the consumer uses. */
export interface QueueBatch {
  /** The name of the queue. */
  readonly queue: string;
  /** The messages of the batch. */
  readonly messages: readonly QueueMessage[];
}

export interface MessagesOptions {
  readonly db: Database;
  readonly namespace: string;
  readonly writer: Pick<Writer, "mutate">;
  readonly queue: Queue | undefined;
  readonly deadLetterQueue: Queue | undefined;
  readonly newId: NewId;
  readonly timeoutMs: Millis;
  /** Called at the end of each call that sends messages. */
  readonly onSend: (succeeded: boolean) => void;
  readonly limits: AttemptLimits;
  readonly keepIdsMs: Millis;
  readonly holdSeconds: number;
  readonly withTimeout: WithTimeout;
}

export interface MessagesParts {
  readonly messages: Messages;
  /** Handles a batch of either queue. Never rejects. */
  consume(batch: QueueBatch, ctx: Context): Promise<void>;
  /** Deletes ids that are no longer needed. Never rejects. */
  trim(ctx: Context): Promise<void>;
}

/** The dead-letter queue is recognised by the end of its name, because a batch does not tell its binding. */
const DEAD_LETTER_QUEUE = /dead-letters$/;
/** How much longer an id is kept than a message is accepted, for clocks that differ. */
const CLOCKS_MS: Millis = 3_600_000;

export function createMessages(options: MessagesOptions): MessagesParts {
  const { db, namespace, keepIdsMs, limits, queue } = options;
  const effects = new Map<string, Effect>();
  const send = callOf(queue, "QUEUE", options);
  const sendDeadLetters = callOf(options.deadLetterQueue, "DEAD_LETTERS", options);
  const sender = createSender(send);
  const consumer = createConsumer({ ...options, effects, send, sendDeadLetters });
  const deadLetterConsumer = createDeadLetterConsumer({ db, namespace, limits });

  const messages: Messages = {
    send: sender.send,
    newId: options.newId,
    isBound: queue !== undefined && options.deadLetterQueue !== undefined,
    countUnapplied: (ids) => countUnapplied(namespace, ids),
    define(effect) {
      if (effects.has(effect.kind)) throw new DefinitionError("kind", "has an effect already");
      effects.set(effect.kind, effect);
    },
    pause: () => setPaused(db, namespace, true),
    resume: () => setPaused(db, namespace, false),
    async state() {
      const [{ paused }, metrics] = await Promise.all([
        readState(db, namespace, []),
        queue?.metrics().catch(() => undefined),
      ]);
      return {
        paused,
        backlog: metrics?.backlogCount,
        oldestAt: metrics?.oldestMessageTimestamp?.getTime(),
      };
    },
    deadLetters: createDeadLetters({ db, namespace, effects, sender }),
  };

  return {
    messages,
    consume: (batch, ctx) =>
      DEAD_LETTER_QUEUE.test(batch.queue)
        ? deadLetterConsumer(batch.messages, ctx)
        : consumer(batch.messages, ctx),
    trim: (ctx) =>
      trimIds(db, namespace, keepIdsMs + CLOCKS_MS).catch((error: unknown) =>
        ctx.emit({ type: "fault.raise", fault: originFaultOf(error) }),
      ),
  };
}

function callOf(
  queue: Queue | undefined,
  binding: string,
  { timeoutMs, withTimeout, onSend }: MessagesOptions,
): QueueCall {
  return queue === undefined
    ? () => Promise.resolve(failed("queue.unavailable", `no queue is bound as ${binding}`))
    : createQueueCall({ queue, timeoutMs, withTimeout, onSend });
}
