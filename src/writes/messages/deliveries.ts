/** The deliveries of one batch of the queue, sorted by message. */
import { readEnvelope, type Envelope } from "./envelope.ts";

/** The part of a message of Cloudflare Queues that the consumer uses. */
export interface QueueMessage {
  readonly id: string;
  readonly timestamp: Date;
  readonly body: unknown;
  /** The number of deliveries, this one included. */
  readonly attempts: number;
  ack(): void;
  retry(options?: { delaySeconds?: number }): void;
}

/** One message of the application, with all its deliveries in the batch. */
export interface Delivery {
  readonly envelope: Envelope;
  readonly attempts: number;
  ack(): void;
  retry(delaySeconds: number): void;
}

export interface Deliveries {
  readonly known: readonly Delivery[];
  /** The messages that another program put into the queue. */
  readonly malformed: readonly QueueMessage[];
}

/** Joins the deliveries of the same message, so that each message of the batch is applied once. */
export function deliveriesOf(messages: readonly QueueMessage[]): Deliveries {
  const byId = new Map<string, { envelope: Envelope; copies: QueueMessage[] }>();
  const malformed: QueueMessage[] = [];
  for (const message of messages) {
    const envelope = readEnvelope(message.body);
    if (envelope === undefined) malformed.push(message);
    else {
      const known = byId.get(envelope.id) ?? { envelope, copies: [] };
      known.copies.push(message);
      byId.set(envelope.id, known);
    }
  }
  const known = [...byId.values()].map(({ envelope, copies }): Delivery => ({
    envelope,
    attempts: Math.max(...copies.map(({ attempts }) => attempts)),
    ack: () => copies.forEach((copy) => copy.ack()),
    retry: (delaySeconds) => copies.forEach((copy) => copy.retry({ delaySeconds })),
  }));
  return { known, malformed };
}

/** Sorts deliveries by the kind of their message. */
export function byKind(deliveries: readonly Delivery[]): Map<string, Delivery[]> {
  const groups = new Map<string, Delivery[]>();
  for (const delivery of deliveries) {
    const { kind } = delivery.envelope;
    groups.set(kind, [...(groups.get(kind) ?? []), delivery]);
  }
  return groups;
}
