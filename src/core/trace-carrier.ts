/** A span whose id is chosen before the call that it covers, so that the callee can name it as its parent. */
export interface ChildSpan {
  readonly spanId: string;
  readonly carrier: TraceCarrier;
}

/**
 * The trace context of a call, as W3C Trace Context writes it. It is passed as data, since async
 * context does not reach a Durable Object or the consumer of a queue.
 */
export interface TraceCarrier {
  readonly traceparent: string;
  readonly tracestate?: string;
}
