import { SeverityNumber } from "@opentelemetry/api";
import type { ProtobufLogsSerializer } from "@opentelemetry/otlp-transformer";
import type { Resource } from "@opentelemetry/resources";
import type { RequestRecord } from "./record.ts";
import { coloOf, stepTotals } from "./record.ts";
import { contextOf, hrTime, methodOf, nameOf, schemeOf, SCOPE } from "./spans.ts";

export type Kept = "sampled" | "error" | "slow";
export type LogRecord = Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0][number];

/**
 * All that is logged of a request. The list is closed: what a client sent, its address, its
 * headers, its path's parameters, its body and the body of the answer are not in it.
 */
export interface WideEvent {
  readonly "http.request.method": string;
  readonly "http.route": string;
  readonly "http.response.status_code": number;
  readonly "url.scheme": string;
  readonly duration_ms: number;
  readonly "cloudflare.colo": string;
  readonly "cache.status": string;
  readonly "cache.key": string;
  readonly "cache.negative": boolean;
  readonly "cache.unreachable": boolean;
  readonly "cache.background": boolean;
  readonly "cache.stale": boolean;
  readonly "cache.faults": string;
  readonly edge_ms: number;
  readonly redis_ms: number;
  readonly flight_ms: number;
  readonly origin_ms: number;
  readonly sql_ms: number;
  readonly "cache.redis.requests": number;
  readonly "cache.redis.commands": number;
  readonly "cache.sql.requests": number;
  readonly "cache.sql.queries": number;
  readonly "cache.durable_object.calls": number;
  readonly kept: Kept;
}

export function wideEvent(
  record: RequestRecord,
  kept: Kept,
  nameKey: (key: string) => string,
): WideEvent {
  const totals = stepTotals(record);
  const faults = (record.moments ?? []).filter(({ name }) => name === "cache.fault");
  return {
    "http.request.method": methodOf(record),
    "http.route": record.route,
    "http.response.status_code": record.status,
    "url.scheme": schemeOf(record),
    duration_ms: record.endedAt - record.startedAt,
    "cloudflare.colo": coloOf(record),
    "cache.status": record.cache,
    "cache.key": record.key === "" ? "" : nameKey(record.key),
    "cache.negative": record.negative,
    "cache.unreachable": record.unreachable,
    "cache.background": record.background,
    "cache.stale": record.cache === "stale" || record.cache === "stale-on-error",
    "cache.faults": [...new Set(faults.map(({ detail }) => detail))].join(","),
    edge_ms: totals.get("edge") ?? 0,
    redis_ms: totals.get("redis") ?? 0,
    flight_ms: totals.get("flight") ?? 0,
    origin_ms: totals.get("origin") ?? 0,
    sql_ms: totals.get("postgresql") ?? 0,
    "cache.redis.requests": record.redisRequests,
    "cache.redis.commands": record.redisCommands,
    "cache.sql.requests": record.sqlRequests,
    "cache.sql.queries": record.sqlQueries,
    "cache.durable_object.calls": record.durableCalls,
    kept,
  };
}

/** The event as one line for the console, found by its trace. */
export function consoleLine(record: RequestRecord, event: WideEvent): string {
  return JSON.stringify({
    time: new Date(record.endedAt).toISOString(),
    level: levelOf(record),
    message: nameOf(record),
    trace_id: record.span.traceId,
    span_id: record.span.spanId,
    ...event,
  });
}

export function logRecord(record: RequestRecord, event: WideEvent, resource: Resource): LogRecord {
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
