/** A span whose id is chosen before the call, so that the called object can name the span as its parent. */
export interface ChildSpan {
  readonly spanId: string;
  readonly carrier: TraceCarrier;
}

/**
 * The trace context of a call, in the format of W3C Trace Context. It is passed as data, because
 * async context does not reach a Durable Object or the consumer of a queue.
 */
export interface TraceCarrier {
  readonly traceparent: string;
  readonly tracestate?: string;
}
