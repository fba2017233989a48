/** Brings committed events to the objects of their topics. */
import { originFaultOf, type Fault } from "../core/faults.ts";
import type { WithTimeout } from "../core/deadline.ts";
import type { Context } from "../core/context.ts";
import type { TopicEvent } from "../core/live-event.ts";
import type { LiveTopics } from "../core/live-topics.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { deleteEvents, waitingTopics } from "./live-events.ts";
import type { Database } from "./outbox.ts";

/**
 * `done`: the objects have the events. `deferred`: an object did not confirm in time. It gets the events
 * from the call that goes on, with the next write or listener of the topic, or from the cron trigger.
 */
export type DeliveryState = "done" | "deferred";

export interface EventDelivery {
  /** Delivers the events of a committed change. Never rejects. */
  deliver(events: readonly TopicEvent[], ctx: Context): Promise<DeliveryState>;
  /** Delivers events that wait, for example because their isolate was ended. Begins no topics after `endsAt`. */
  deliverWaiting(endsAt: EpochMs, ctx: Context): Promise<WaitingReport>;
}

export interface WaitingReport {
  readonly hasMore: boolean;
  readonly fault?: Fault;
}

export interface EventDeliveryOptions {
  readonly db: Database;
  readonly namespace: string;
  readonly topics: Pick<LiveTopics, "deliver">;
  /** A write waits at most so long for the delivery of its events. */
  readonly waitMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** Younger events are left to the isolates that made them. */
const WAITING_AFTER_MS: Millis = 5_000;
/** The topics whose objects are called at once. */
const TOPICS_AT_ONCE = 20;

/**
 * Creates the part that delivers events. A row is deleted only after the object of its topic has confirmed
 * that it has the event on disk. The object reads rows that it lacks, so an event is neither lost nor
 * sent before an earlier one.
 */
export function createEventDelivery(options: EventDeliveryOptions): EventDelivery {
  const { db, namespace, topics, waitMs, withTimeout } = options;

  async function deliverTopic(
    topic: string,
    events: readonly TopicEvent[],
    ctx: Context,
  ): Promise<Result<number>> {
    const delivered = await topics.deliver(topic, events, ctx);
    const outcome = delivered.ok ? "done" : "deferred";
    ctx.emit({ type: "live.deliver", events: events.length, outcome });
    if (!delivered.ok) ctx.emit({ type: "fault.raise", fault: delivered.fault });
    return delivered;
  }

  return {
    async deliver(events, ctx) {
      const byTopic = Map.groupBy(events, ({ topic }) => topic);
      const states = await Promise.all(
        Array.from(byTopic, async ([topic, ofTopic]) => {
          const delivering = deliverTopic(topic, ofTopic, ctx);
          // A call that takes longer goes on after the answer to the write.
          ctx.defer(
            delivering.then(async (delivered) => {
              if (delivered.ok) await deleteEvents(db, namespace, topic, delivered.value);
            }),
          );
          const isInTime = await withTimeout(delivering, waitMs).then(
            ({ ok }) => ok,
            () => false,
          );
          return isInTime ? "done" : "deferred";
        }),
      );
      return states.includes("deferred") ? "deferred" : "done";
    },

    async deliverWaiting(endsAt, ctx) {
      let after = 0;
      let fault: Fault | undefined;
      try {
        while (ctx.now() < endsAt) {
          const waiting = await waitingTopics(db, {
            namespace,
            olderThanMs: WAITING_AFTER_MS,
            after,
            limit: TOPICS_AT_ONCE,
          });
          const results = await Promise.all(
            waiting.map(async ({ topic }) => {
              const delivered = await deliverTopic(topic, [], ctx);
              if (delivered.ok) await deleteEvents(db, namespace, topic, delivered.value);
              return delivered;
            }),
          );
          for (const result of results) if (!result.ok) fault ??= result.fault;
          if (waiting.length < TOPICS_AT_ONCE)
            return { hasMore: false, ...(fault !== undefined && { fault }) };
          after = waiting.at(-1)?.first ?? after;
        }
        return { hasMore: true, ...(fault !== undefined && { fault }) };
      } catch (error) {
        return { hasMore: true, fault: originFaultOf(error) };
      }
    },
  };
}
