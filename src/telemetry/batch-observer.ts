import type { AsyncLocalStorage } from "node:async_hooks";
import { createContext, type Context } from "../core/context.ts";
import type { Random } from "../core/random.ts";
import type { TraceCarrier } from "../core/trace-carrier.ts";
import type { EventRecorder } from "./event-recorder.ts";
import type { FlushLoop } from "./export/flush-loop.ts";
import type { Sampler } from "./request-observer.ts";
import {
  createRecord,
  isTraced,
  type RequestRecord,
  type TracedRecord,
} from "./traces/request-record.ts";
import { newChildSpan, newSpanId, readCarrier, type SpanRef } from "./traces/trace-context.ts";

/** A batch of a queue, as telemetry sees it. */
export interface ObservedBatch {
  readonly queue: string;
  /** The spans of the senders, one for each message that carries one. */
  readonly carriers: readonly Partial<TraceCarrier>[];
  /** The number of messages. */
  readonly size: number;
}

/** Runs the consumer of a batch. Its events are counted, and its span names the spans of the senders. */
export type ObserveBatch = (
  batch: ObservedBatch,
  ctx: Context,
  consume: (ctx: Context) => Promise<void>,
) => Promise<void>;

export interface BatchObserverOptions {
  readonly recordEvent: EventRecorder;
  readonly current: AsyncLocalStorage<RequestRecord>;
  readonly sampler: Sampler;
  readonly random: Random;
  /** Exports the spans of a batch. */
  readonly keep: (record: TracedRecord, waitUntil: (work: Promise<unknown>) => void) => void;
  readonly reportLoop: FlushLoop | undefined;
}

/** A span has at most this many links, as in OpenTelemetry's SDK. */
const MAX_LINKS = 128;

/**
 * Creates the observer of the queue's batches. The span of a single message continues the trace of
 * its sender. The span of several messages begins a trace, with a link to each sender.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 */
export function createBatchObserver(options: BatchObserverOptions): ObserveBatch {
  const { recordEvent, current, sampler, random, keep, reportLoop } = options;

  return async ({ queue, carriers, size }, outer, consume) => {
    const senders = carriers.flatMap(
      ({ traceparent, tracestate }) => readCarrier(traceparent, tracestate) ?? [],
    );
    const parent = size === 1 ? senders[0] : undefined;
    const sampled =
      senders.length > 0
        ? senders.some((sender) => sender.sampled)
        : sampler.shouldSample(undefined);
    const span: SpanRef | undefined =
      sampled || parent !== undefined
        ? {
            traceId: parent?.traceId ?? sampler.newTraceId(true),
            spanId: newSpanId(random),
            sampled,
            state: parent?.state ?? "",
          }
        : undefined;
    const record = createRecord({
      span,
      sampled,
      parent,
      link: undefined,
      background: true,
      startedAt: outer.now(),
      method: "POST",
      url: "https://queue.invalid/",
      request: undefined,
      baggage: "",
    });
    record.batch = { queue, size, links: parent ? [] : senders.slice(0, MAX_LINKS) };
    const waitUntil = outer.defer;
    const ctx = createContext({
      now: outer.now,
      host: outer.host,
      region: outer.region,
      waitUntil,
      emit: (event) => recordEvent(event, record),
      child: () => span && newChildSpan(span, random),
    });
    record.status = 500;
    try {
      await (isTraced(record) ? current.run(record, () => consume(ctx)) : consume(ctx));
      record.status = 200;
    } finally {
      record.endedAt = outer.now();
      if (sampled && isTraced(record)) keep(record, waitUntil);
      reportLoop?.start(record.endedAt, waitUntil);
    }
  };
}
