/** A queue in memory with the form of Cloudflare's, and deliveries that a test can kill. */
import type { QueueMessage } from "../../src/writes/messages/deliveries.ts";

export interface Sent {
  readonly body: unknown;
  readonly delaySeconds: number;
}

export interface QueueDouble extends Queue {
  /** What is in the queue, the oldest first. */
  readonly sent: Sent[];
  /** While true, the queue refuses every call. */
  isAway: boolean;
}

export function createQueueDouble(): QueueDouble {
  const metrics = { backlogCount: 0, backlogBytes: 0 };
  const double: QueueDouble = {
    sent: [],
    isAway: false,
    metrics: async () => ({ ...metrics, backlogCount: double.sent.length }),
    send: async (body, options) => {
      await double.sendBatch([{ body, ...options }]);
      return { metadata: { metrics } };
    },
    async sendBatch(messages) {
      if (double.isAway) throw new Error("the queue is away");
      const copies = [...messages].map(({ body, delaySeconds = 0 }) => ({
        body: structuredClone(body),
        delaySeconds,
      }));
      if (copies.length > 100) throw new Error("more than 100 messages");
      double.sent.push(...copies);
      return { metadata: { metrics } };
    },
  };
  return double;
}

/** A delivery that notes how it was settled. As at Cloudflare, the first of ack and retry counts. */
export interface TestDelivery extends QueueMessage {
  settled: "ack" | "retry" | undefined;
  delaySeconds: number | undefined;
}

let deliveries = 0;

export function deliveryOf(body: unknown, attempts = 1): TestDelivery {
  const delivery: TestDelivery = {
    id: `delivery-${deliveries++}`,
    timestamp: new Date(),
    body,
    attempts,
    settled: undefined,
    delaySeconds: undefined,
    ack: () => void (delivery.settled ??= "ack"),
    retry(options) {
      if (delivery.settled !== undefined) return;
      delivery.settled = "retry";
      delivery.delaySeconds = options?.delaySeconds;
    },
  };
  return delivery;
}
