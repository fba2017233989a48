/** A span that is named before it begins, so that it can be told to whom it calls. */
export interface ChildSpan {
  readonly spanId: string;
  readonly carrier: TraceCarrier;
}

/**
 * Names the span that a call belongs to, as W3C Trace Context does: no async context reaches a
 * Durable Object or the consumer of a queue, so it is handed over.
 */
export interface TraceCarrier {
  readonly traceparent: string;
  readonly tracestate?: string;
}
