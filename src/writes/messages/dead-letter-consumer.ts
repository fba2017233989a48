/** The consumer of the dead-letter queue: stores the messages that were given up. */
import type { Context } from "../../core/context.ts";
import { originFaultOf } from "../../core/faults.ts";
import type { Database } from "../outbox.ts";
import { pauseSeconds, type AttemptLimits } from "./attempt.ts";
import { letterOf } from "./dead-letter.ts";
import { insertLetters } from "./letter-table.ts";
import type { Consumer } from "./consumer.ts";
import type { QueueMessage } from "./deliveries.ts";

export interface DeadLetterConsumerOptions {
  readonly db: Database;
  readonly namespace: string;
  readonly limits: AttemptLimits;
}

export function createDeadLetterConsumer(options: DeadLetterConsumerOptions): Consumer {
  const { db, namespace, limits } = options;

  async function store(messages: readonly QueueMessage[], ctx: Context): Promise<void> {
    // A message may be given up twice. The last letter counts.
    const letters = new Map(
      messages.map((message) => letterOf(message, ctx.now())).map((letter) => [letter.id, letter]),
    );
    await insertLetters(db, namespace, [...letters.values()]);
    for (const message of messages) message.ack();
  }

  return async (messages, ctx) => {
    try {
      await store(messages, ctx);
    } catch (error) {
      ctx.emit({ type: "fault.raise", fault: originFaultOf(error) });
      for (const message of messages)
        message.retry({ delaySeconds: pauseSeconds(message.attempts, limits) });
    }
  };
}
