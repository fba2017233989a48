/** The consumer of the queue: commits the effect of each message once. */
import type { Context } from "../../core/context.ts";
import type { MessageOutcome } from "../../core/service-events.ts";
import { fault, messageOf, originFaultOf, type Fault } from "../../core/faults.ts";
import type { EpochMs, Millis } from "../../core/time.ts";
import { applyEffect, type Applied, type ApplyOptions } from "./apply.ts";
import { isGivenUp, pauseSeconds, type AttemptLimits } from "./attempt.ts";
import { deadLetterOf, malformedLetterOf } from "./dead-letter.ts";
import { byKind, deliveriesOf, type Delivery, type QueueMessage } from "./deliveries.ts";
import type { Effect, Effects } from "./effect.ts";
import type { Envelope } from "./envelope.ts";
import { readState, type ConsumerState } from "./processed.ts";
import type { QueueCall } from "./queue-call.ts";

export interface ConsumerOptions extends ApplyOptions {
  readonly effects: Effects;
  readonly limits: AttemptLimits;
  /** How long the id of an applied message is kept. An older message might be a repetition. */
  readonly keepIdsMs: Millis;
  /** The pause of each message while the consumer is paused. */
  readonly holdSeconds: number;
  readonly send: QueueCall;
  readonly sendDeadLetters: QueueCall;
}

/** A message that is given up, and why. */
interface Failure {
  readonly delivery: Delivery;
  readonly error: string;
}

/**
 * Handles one batch. A message is acknowledged after its effect is committed. So a consumer that is
 * killed at any step gets the message again, and its id shows that the effect is committed. Never
 * rejects.
 */
export type Consumer = (messages: readonly QueueMessage[], ctx: Context) => Promise<void>;

export function createConsumer(options: ConsumerOptions): Consumer {
  const { db, namespace, effects, limits, keepIdsMs, holdSeconds, send, sendDeadLetters } = options;

  function end(deliveries: readonly Delivery[], outcome: MessageOutcome, ctx: Context): void {
    for (const [kind, { length: count }] of byKind(deliveries))
      ctx.emit({ type: "message.end", kind: effects.has(kind) ? kind : "", count, outcome });
  }

  function acknowledge(
    deliveries: readonly Delivery[],
    outcome: MessageOutcome,
    ctx: Context,
  ): void {
    for (const delivery of deliveries) delivery.ack();
    end(deliveries, outcome, ctx);
  }

  function retry(deliveries: readonly Delivery[], cause: Fault, ctx: Context): void {
    for (const delivery of deliveries) delivery.retry(pauseSeconds(delivery.attempts, limits));
    end(deliveries, "retried", ctx);
    ctx.emit({ type: "fault.raise", fault: cause });
  }

  async function giveUp(failures: readonly Failure[], ctx: Context): Promise<void> {
    if (failures.length === 0) return;
    const deliveries = failures.map(({ delivery }) => delivery);
    const sent = await sendDeadLetters(
      failures.map(({ delivery, error }) => ({
        body: deadLetterOf(delivery, error, ctx.now()),
        delaySeconds: 0,
      })),
    );
    if (sent.ok) acknowledge(deliveries, "dead", ctx);
    else retry(deliveries, sent.fault, ctx);
  }

  async function giveUpMalformed(message: QueueMessage, ctx: Context): Promise<void> {
    const body = malformedLetterOf(message, ctx.now());
    const sent = await sendDeadLetters([{ body, delaySeconds: 0 }]);
    if (sent.ok) message.ack();
    else message.retry({ delaySeconds: pauseSeconds(message.attempts, limits) });
    const outcome = sent.ok ? "dead" : "retried";
    ctx.emit({ type: "message.end", kind: "", count: 1, outcome });
  }

  /** Sends the messages again, because a retry would use up the attempts that the platform allows. */
  async function hold(deliveries: readonly Delivery[], ctx: Context): Promise<void> {
    if (deliveries.length === 0) return;
    const heldAt = ctx.now();
    const sent = await send(
      deliveries.map(({ envelope }) => ({
        body: { ...envelope, heldAt } satisfies Envelope,
        delaySeconds: holdSeconds,
      })),
    );
    if (sent.ok) acknowledge(deliveries, "held", ctx);
    else retry(deliveries, sent.fault, ctx);
  }

  async function afterCommit(
    effect: Effect,
    deliveries: readonly Delivery[],
    ctx: Context,
  ): Promise<void> {
    if (effect.afterCommit === undefined || deliveries.length === 0) return;
    const changes = deliveries.map(({ envelope }) => envelope);
    try {
      await effect.afterCommit(changes, ctx);
    } catch (error) {
      ctx.emit({ type: "fault.raise", fault: fault("background.failed", messageOf(error)) });
    }
  }

  async function settle(attempted: readonly Applied[], ctx: Context): Promise<void> {
    for (const outcome of ["applied", "duplicate"] as const)
      acknowledge(
        attempted.filter(({ result }) => result === outcome).map(({ delivery }) => delivery),
        outcome,
        ctx,
      );
    const givenUp: Failure[] = [];
    for (const { delivery, result } of attempted) {
      if (typeof result === "string") continue;
      if (isGivenUp(delivery.attempts, result, limits))
        givenUp.push({ delivery, error: `${result.code}: ${result.message}` });
      else retry([delivery], result, ctx);
    }
    await giveUp(givenUp, ctx);
  }

  async function applyKind(
    kind: string,
    deliveries: readonly Delivery[],
    processed: ConsumerState["processed"],
    ctx: Context,
  ): Promise<void> {
    const effect = effects.get(kind);
    if (effect === undefined) {
      const cause = fault("origin.rejected", "the application has no effect of this kind");
      return settle(
        deliveries.map((delivery) => ({ delivery, result: cause })),
        ctx,
      );
    }
    const isKnown = ({ envelope }: Delivery) => processed.has(envelope.id);
    const known = deliveries.filter(isKnown);
    const fresh = deliveries.filter((delivery) => !isKnown(delivery));
    const late = fresh.filter(({ envelope }) => isTooOld(envelope, ctx.now(), keepIdsMs));
    const open = fresh.filter((delivery) => !late.includes(delivery));
    const applied = open.length === 0 ? [] : await applyEffect(effect, open, options, ctx);
    const committed = applied.filter(({ result }) => typeof result === "string");
    await afterCommit(effect, [...known, ...committed.map(({ delivery }) => delivery)], ctx);
    acknowledge(known, "duplicate", ctx);
    await settle(applied, ctx);
    await giveUp(
      late.map((delivery) => ({ delivery, error: TOO_OLD })),
      ctx,
    );
  }

  return async (messages, ctx) => {
    const { known, malformed } = deliveriesOf(messages);
    for (const message of malformed) await giveUpMalformed(message, ctx);
    if (known.length === 0) return;
    const ids = known.map(({ envelope }) => envelope.id);
    let state: ConsumerState;
    try {
      state = await readState(db, namespace, ids);
    } catch (error) {
      return retry(known, originFaultOf(error), ctx);
    }
    if (state.paused) {
      // A repetition is not held: its effect is committed.
      const open = known.filter(({ envelope }) => !state.processed.has(envelope.id));
      const repeated = known.filter(({ envelope }) => state.processed.has(envelope.id));
      acknowledge(repeated, "duplicate", ctx);
      return hold(open, ctx);
    }
    for (const [kind, deliveries] of byKind(known))
      await applyKind(kind, deliveries, state.processed, ctx);
  };
}

const TOO_OLD =
  "the message is older than the ids that are kept, so it may have been applied before";

function isTooOld({ sentAt, heldAt }: Envelope, now: EpochMs, keepIdsMs: Millis): boolean {
  return now - Math.max(sentAt, heldAt ?? 0) > keepIdsMs;
}
