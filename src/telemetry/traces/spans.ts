import {
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Attributes,
  type HrTime,
  type SpanContext,
  type TraceState,
} from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { Random } from "../../core/random.ts";
import type { EpochMs, Millis } from "../../core/time.ts";
import {
  type ConsumedBatch,
  methodOf,
  nameOf,
  schemeOf,
  type SpanEvent,
  type StepRecord,
  type TracedRecord,
} from "./request-record.ts";
import { newSpanId, type SpanRef } from "./trace-context.ts";

export const SCOPE = { name: "strata", version: "0.1.0" } as const;

export interface SpanSource {
  readonly resource: Resource;
  readonly random: Random;
  readonly formatKey: (key: string) => string;
  /** True: spans have the path of the URL. False: they have the route. */
  readonly plainPaths: boolean;
}

export function hrTime(ms: EpochMs): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

/**
 * Makes the spans of a request: one for the request, and one for each step. A step inside another
 * step is its child.
 */
export function spansOf(record: TracedRecord, source: SpanSource): ReadableSpan[] {
  const steps = (record.steps ?? []).map((step) => ({
    ...step,
    spanId: step.spanId === "" ? newSpanId(source.random) : step.spanId,
  }));
  return [
    requestSpan(record, source),
    ...steps.map((step) =>
      stepSpan(step, parentOf(step, steps) ?? record.span.spanId, record, source),
    ),
  ];
}

/** Makes the span of a step that ended after its request, such as a background write to a tier. */
export function lateSpan(step: StepRecord, record: TracedRecord, source: SpanSource): ReadableSpan {
  const spanId = step.spanId === "" ? newSpanId(source.random) : step.spanId;
  return stepSpan({ ...step, spanId }, record.span.spanId, record, source);
}

const CONTAINERS = new Set<StepRecord["kind"]>(["origin", "call"]);

/** Returns the span id of the shortest step that contains this one; undefined if none does. */
function parentOf<T extends StepRecord>(step: T, steps: readonly T[]): string | undefined {
  const startedAt = step.endedAt - step.ms;
  return steps
    .filter(
      (other) =>
        other !== step &&
        CONTAINERS.has(other.kind) &&
        other.kind !== step.kind &&
        other.endedAt - other.ms <= startedAt &&
        other.endedAt >= step.endedAt,
    )
    .toSorted((a, b) => a.ms - b.ms)[0]?.spanId;
}

const URL_PARTS = /^[a-z]+:\/\/(?:\[([^\]]*)\]|([^/:]*))(?::(\d+))?([^?#]*)/;

/** Parses a URL of the platform by a pattern, because making a URL object would take longer than making the span. */
function partsOf(url: string): { address: string; port: string; path: string } {
  const [, ipv6, host = "", port = "", path = "/"] = URL_PARTS.exec(url) ?? [];
  return { address: ipv6 ?? host, port, path };
}

function requestSpan(record: TracedRecord, source: SpanSource): ReadableSpan {
  if (record.batch !== undefined) return batchSpan(record, record.batch, source);
  const { status, parent, link, colo } = record;
  const { address, port, path } = partsOf(record.url);
  const failed = status >= 500;
  const attributes: Attributes = {
    "http.request.method": methodOf(record),
    "url.scheme": schemeOf(record),
    "url.path": source.plainPaths ? path : record.route,
    "server.address": address,
    ...(port !== "" && { "server.port": Number(port) }),
    "http.response.status_code": status,
    ...(record.route !== "" && { "http.route": record.route }),
    ...(failed && { "error.type": String(status) }),
    ...(colo !== "" && { "cloudflare.colo": colo }),
    ...(record.cache !== "" && {
      "cache.status": record.cache,
      "cache.key": source.formatKey(record.key),
      "cache.negative": record.negative,
      "cache.unreachable": record.unreachable,
    }),
    "cache.redis.commands": record.redisCommands,
    "cache.sql.queries": record.sqlQueries,
    "cache.durable_object.calls": record.durableCalls,
    ...(record.background && { "cache.background": true }),
  };
  return {
    ...base(source),
    name: nameOf(record),
    kind: record.background ? SpanKind.INTERNAL : SpanKind.SERVER,
    spanContext: () => contextOf(record.span, false),
    ...(link !== undefined && { links: [{ context: contextOf(link, true) }] }),
    ...(parent !== undefined && { parentSpanContext: contextOf(parent, !record.background) }),
    ...interval(record.startedAt, record.endedAt - record.startedAt),
    status: { code: failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes,
    events: eventsOf(record.events ?? []),
    droppedEventsCount: record.dropped,
  };
}

/** Makes the span of a batch of the queue, by the semantic conventions for messaging. */
function batchSpan(record: TracedRecord, batch: ConsumedBatch, source: SpanSource): ReadableSpan {
  const { span, parent } = record;
  const failed = record.status >= 500;
  return {
    ...base(source),
    name: nameOf(record),
    kind: SpanKind.CONSUMER,
    spanContext: () => contextOf(span, false),
    ...(parent !== undefined && { parentSpanContext: contextOf(parent, true) }),
    links: batch.links.map((link) => ({ context: contextOf(link, true) })),
    ...interval(record.startedAt, record.endedAt - record.startedAt),
    status: { code: failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: {
      "messaging.system": "cloudflare_queues",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.name": batch.queue,
      "messaging.batch.message_count": batch.size,
      "cache.redis.commands": record.redisCommands,
      "cache.sql.queries": record.sqlQueries,
    },
    events: eventsOf(record.events ?? []),
    droppedEventsCount: record.dropped,
  };
}

function stepSpan(
  step: StepRecord,
  parentId: string,
  record: TracedRecord,
  source: SpanSource,
): ReadableSpan {
  const failed = /\./.test(step.outcome);
  const context = (spanId: string) => contextOf({ ...record.span, spanId }, false);
  return {
    ...base(source),
    name: step.name,
    kind: KINDS[step.kind],
    spanContext: () => context(step.spanId),
    parentSpanContext: context(parentId),
    ...interval(step.endedAt - step.ms, step.ms),
    status: { code: failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: {
      ...attributesOf(step),
      ...(failed ? { "error.type": step.outcome } : { "cache.outcome": step.outcome }),
    },
    events: [],
    droppedEventsCount: 0,
  };
}

const KINDS: Readonly<Record<StepRecord["kind"], SpanKind>> = {
  edge: SpanKind.CLIENT,
  redis: SpanKind.CLIENT,
  postgresql: SpanKind.CLIENT,
  flight: SpanKind.CLIENT,
  call: SpanKind.CLIENT,
  origin: SpanKind.INTERNAL,
  durable: SpanKind.SERVER,
  queue: SpanKind.PRODUCER,
};

function attributesOf(step: StepRecord): Attributes {
  switch (step.kind) {
    case "redis":
      return {
        "db.system.name": "redis",
        "db.operation.name": step.name.split(" ", 1)[0] ?? "",
        "cache.redis.commands": step.amount,
      };
    case "postgresql":
      return {
        "db.system.name": "postgresql",
        ...(step.amount > 1 && { "db.operation.batch.size": step.amount }),
      };
    case "flight":
    case "durable":
      return { "rpc.system.name": "cloudflare", "rpc.method": step.name };
    case "edge":
    case "origin":
      return { "cache.step": step.kind };
    case "queue":
      return {
        "messaging.system": "cloudflare_queues",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.batch.message_count": step.amount,
      };
    case "call":
      return {};
  }
}

function base({ resource }: SpanSource) {
  return {
    resource,
    instrumentationScope: SCOPE,
    links: [],
    ended: true,
    droppedAttributesCount: 0,
    droppedLinksCount: 0,
  } satisfies Partial<ReadableSpan>;
}

function interval(startedAt: EpochMs, ms: Millis) {
  const length = Math.max(0, ms);
  return {
    startTime: hrTime(startedAt),
    endTime: hrTime(startedAt + length),
    duration: hrTime(length),
  };
}

function eventsOf(events: readonly SpanEvent[]): ReadableSpan["events"] {
  return events.map(({ name, at, detail }) => ({
    name,
    time: hrTime(at),
    ...(detail !== "" && { attributes: { "cache.detail": detail } }),
  }));
}

export function contextOf(span: SpanRef, isRemote: boolean): SpanContext {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    traceFlags: span.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote,
    ...(span.state !== "" && { traceState: opaqueState(span.state) }),
  };
}

/** Makes a tracestate whose text is kept unchanged. */
function opaqueState(text: string): TraceState {
  const state: TraceState = {
    serialize: () => text,
    get: () => undefined,
    set: () => state,
    unset: () => state,
  };
  return state;
}
