import { SeverityNumber } from "@opentelemetry/api";
import type { ProtobufLogsSerializer } from "@opentelemetry/otlp-transformer";
import type { Resource } from "@opentelemetry/resources";
import {
  methodOf,
  nameOf,
  schemeOf,
  stepTotals,
  type RequestRecord,
  type SpanEvent,
  type StepKind,
  type TracedRecord,
} from "./request-record.ts";
import { contextOf, hrTime, SCOPE } from "./spans.ts";

/**
 * The reason for which a request is logged. `audited`: it is for an operator. `denied`: it was refused
 * with 401, 403 or 429.
 */
export type KeepReason = "sampled" | "error" | "slow" | "audited" | "denied";

/**
 * Returns whether spans of the request are exported too. A client can cause as many refusals as it
 * likes, so a refusal costs one log record and no spans.
 */
export const exportsSpans = (reason: KeepReason): boolean =>
  reason !== "audited" && reason !== "denied";
export type LogRecord = Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0][number];

/**
 * The log record of one request. It has no other fields than these, and none of them has a client
 * address, a header, a path parameter or a body. A field without a value is absent: `redis_ms` is
 * missing, not 0, if Redis was not asked.
 */
export interface WideEvent {
  readonly "http.request.method": string;
  readonly "http.route"?: string;
  readonly "http.response.status_code": number;
  readonly "url.scheme": string;
  readonly duration_ms: number;
  readonly "cloudflare.colo"?: string;
  readonly "cache.status"?: string;
  readonly "cache.key"?: string;
  readonly "cache.negative": boolean;
  readonly "cache.unreachable": boolean;
  readonly "cache.background": boolean;
  readonly "cache.stale": boolean;
  readonly "cache.faults"?: string;
  readonly edge_ms?: number;
  readonly redis_ms?: number;
  readonly flight_ms?: number;
  readonly origin_ms?: number;
  readonly sql_ms?: number;
  readonly "cache.redis.requests": number;
  readonly "cache.redis.commands": number;
  readonly "cache.sql.requests": number;
  readonly "cache.sql.queries": number;
  readonly "cache.durable_object.calls": number;
  readonly kept: KeepReason;
}

export function wideEvent(
  record: RequestRecord,
  kept: KeepReason,
  formatKey: (key: string) => string,
): WideEvent {
  const { key, cache, colo, events = [] } = record;
  return {
    "http.request.method": methodOf(record),
    ...(record.route !== "" && { "http.route": record.route }),
    "http.response.status_code": record.status,
    "url.scheme": schemeOf(record),
    duration_ms: record.endedAt - record.startedAt,
    ...(colo !== "" && { "cloudflare.colo": colo }),
    ...(cache !== "" && { "cache.status": cache }),
    ...(key !== "" && { "cache.key": formatKey(key) }),
    "cache.negative": record.negative,
    "cache.unreachable": record.unreachable,
    "cache.background": record.background,
    "cache.stale": cache === "stale" || cache === "stale-on-error",
    ...(events.length > 0 && faultsOf(events)),
    ...(record.steps !== undefined && timesOf(record)),
    "cache.redis.requests": record.redisRequests,
    "cache.redis.commands": record.redisCommands,
    "cache.sql.requests": record.sqlRequests,
    "cache.sql.queries": record.sqlQueries,
    "cache.durable_object.calls": record.durableCalls,
    kept,
  };
}

function faultsOf(events: readonly SpanEvent[]): Pick<WideEvent, "cache.faults"> {
  const codes = events.filter(({ name }) => name === "cache.fault").map(({ detail }) => detail);
  return codes.length === 0 ? {} : { "cache.faults": [...new Set(codes)].join(",") };
}

const TIME_FIELDS = {
  edge: "edge_ms",
  redis: "redis_ms",
  flight: "flight_ms",
  origin: "origin_ms",
  postgresql: "sql_ms",
} as const satisfies Partial<Record<StepKind, keyof WideEvent>>;

function timesOf(record: RequestRecord): Partial<WideEvent> {
  const totals = stepTotals(record);
  return Object.fromEntries(
    Object.entries(TIME_FIELDS).flatMap(([kind, field]) => {
      const ms = totals.get(kind as keyof typeof TIME_FIELDS);
      return ms === undefined ? [] : [[field, ms]];
    }),
  );
}

/** Returns the event as one line of JSON for the console, with the ids of its trace. */
export function consoleLine(record: TracedRecord, event: WideEvent): string {
  return JSON.stringify({
    time: new Date(record.endedAt).toISOString(),
    level: levelOf(record),
    message: nameOf(record),
    trace_id: record.span.traceId,
    span_id: record.span.spanId,
    ...event,
  });
}

export function logRecord(record: TracedRecord, event: WideEvent, resource: Resource): LogRecord {
  const failed = record.status >= 500;
  return {
    hrTime: hrTime(record.endedAt),
    hrTimeObserved: hrTime(record.endedAt),
    severityNumber: failed ? SeverityNumber.ERROR : SeverityNumber.INFO,
    severityText: failed ? "ERROR" : "INFO",
    eventName: "http.server.request",
    body: nameOf(record),
    spanContext: contextOf(record.span, false),
    resource,
    instrumentationScope: SCOPE,
    attributes: { ...event },
    droppedAttributesCount: 0,
  };
}

function levelOf({ status }: RequestRecord): "error" | "info" {
  return status >= 500 ? "error" : "info";
}
