import type { Config } from "../config.ts";
import type { Bindings } from "../config/bindings.ts";
import type { Context } from "../core/context.ts";
import type { DependencyReport } from "../core/degradation.ts";
import { createDeliveryOutcomes } from "../core/delivery-outcomes.ts";
import { createKeysOfRequests } from "../core/idempotency.ts";
import type { PendingIds } from "../core/pending.ts";
import type { EpochMs } from "../core/time.ts";
import { createIdempotent, type Idempotent } from "../http/routes/idempotency.ts";
import type { Platform } from "../platform.ts";
import { createPendingStore, type PendingStoreOptions } from "../redis/pending-store.ts";
import type { Database } from "../origin/neon.ts";
import { withTimeout } from "../resilience/deadline.ts";
import type { ObserveBatch } from "../telemetry/batch-observer.ts";
import { createKeyTable } from "../writes/idempotency/key-table.ts";
import { withIdempotencyKeys } from "../writes/idempotency/keyed-writer.ts";
import { createMessages, type Messages, type QueueBatch } from "../writes/messages/messages.ts";
import type { Writer } from "../writes/writer.ts";

export interface ComposeMessagesOptions extends Pick<PendingStoreOptions, "redis" | "guard"> {
  readonly db: Database;
  readonly platform: Pick<Platform, "newId" | "now">;
  readonly writer: Writer;
  readonly observeBatch: ObserveBatch;
}

export interface ComposedMessages {
  /** The writer, which commits idempotency keys too. */
  readonly writer: Writer;
  readonly idempotent: Idempotent;
  readonly messages: Messages;
  readonly pending: PendingIds;
  consume(batch: QueueBatch, ctx: Context): Promise<void>;
  trimIds(ctx: Context): Promise<void>;
  /** Returns the state of the queues, from the last calls that sent messages. */
  queueState(at: EpochMs): DependencyReport;
}

const HOUR_MS = 3_600_000;
/** How long the ids of applied messages are kept. An older message is not applied. */
const KEEP_IDS_MS = 24 * HOUR_MS;
/** How long a message counts as pending. Its id is kept longer, so that it never counts twice. */
const KEEP_PENDING_MS = 20 * HOUR_MS;
/** With 100 retries a message waits 8 hours at least for a database that does not answer. */
const MAX_RETRY_MS = 300_000;
const HOLD_SECONDS = 30;

/** Builds the parts for messages: the sender, the consumers, and the pending ids. */
export function composeMessages(
  bindings: Bindings,
  { namespace, settings, clientAddressHeader: addressHeader }: Config,
  options: ComposeMessagesOptions,
): ComposedMessages {
  const { db, writer, redis, guard, observeBatch } = options;
  const { newId, now } = options.platform;
  const outcomes = createDeliveryOutcomes();
  const { timeoutMs, maxAttempts, retryAfterMs } = settings.queue;
  const { messages, consume, trim } = createMessages({
    db,
    namespace,
    writer,
    newId,
    queue: bindings.QUEUE,
    deadLetterQueue: bindings.DEAD_LETTERS,
    timeoutMs,
    onSend: (succeeded) => outcomes.add(succeeded, now()),
    limits: { maxAttempts, retryMs: retryAfterMs, maxRetryMs: MAX_RETRY_MS },
    keepIdsMs: KEEP_IDS_MS,
    holdSeconds: HOLD_SECONDS,
    withTimeout,
  });
  const keys = createKeysOfRequests();
  return {
    writer: withIdempotencyKeys(writer, { db, namespace, keys }),
    idempotent: createIdempotent({
      store: createKeyTable({ db, namespace, newId }),
      keys,
      addressHeader,
    }),
    messages,
    pending: createPendingStore({ redis, namespace, keepMs: KEEP_PENDING_MS, guard }),
    consume: (batch, ctx) =>
      observeBatch(
        {
          queue: batch.queue,
          size: batch.messages.length,
          carriers: batch.messages.map(({ body }) => carrierOf(body)),
        },
        ctx,
        (inner) => consume(batch, inner),
      ),
    trimIds: trim,
    queueState: outcomes.report,
  };
}

/** Returns the object in which a message may carry the span of its sender. */
function carrierOf(body: unknown): Readonly<Record<string, string>> {
  if (typeof body !== "object" || body === null) return {};
  const { traceparent, tracestate } = body as Readonly<Record<string, unknown>>;
  return {
    ...(typeof traceparent === "string" && { traceparent }),
    ...(typeof tracestate === "string" && { tracestate }),
  };
}
