import type { AuditTarget, LookupStatus } from "../../core/events.ts";
import type { RequestStart } from "../../core/request-observer.ts";
import type { EpochMs, Millis } from "../../core/time.ts";
import type { SpanRef } from "./trace-context.ts";

/** The thing that a step waited for. It decides the name and the attributes of the step's span. */
export type StepKind =
  | "edge"
  | "redis"
  | "flight"
  | "origin"
  | "postgresql"
  | "call"
  | "durable"
  | "queue";

export interface StepRecord {
  readonly kind: StepKind;
  readonly name: string;
  readonly endedAt: EpochMs;
  readonly ms: Millis;
  readonly outcome: string;
  /** The span's id, if it was sent to another service when the step began; otherwise "". */
  readonly spanId: string;
  /** The number of Redis commands or SQL queries. */
  readonly amount: number;
}

/** A span event of OpenTelemetry: something that happened at one instant. */
export interface SpanEvent {
  readonly name: string;
  readonly at: EpochMs;
  readonly detail: string;
}

/** The data of one request from which telemetry makes its spans and its log record. */
export interface RequestRecord {
  /** The span of the request itself. Undefined until the trace of the request is kept or propagated. */
  span: SpanRef | undefined;
  /** Whether the sampler keeps the trace. */
  readonly sampled: boolean;
  readonly parent: SpanRef | undefined;
  /** The span of a caller that is not trusted. The span of the request has a link to it. */
  readonly link: SpanRef | undefined;
  /** True for a request that runs after a response or inside another request, such as a refresh. */
  readonly background: boolean;
  readonly startedAt: EpochMs;
  readonly method: string;
  readonly url: string;
  /** The platform's request. It is released when the record is queued for export. */
  request: RequestStart["request"] | undefined;
  /** The `baggage` field that is sent on to other services; "" if the request has no span. */
  readonly baggage: string;
  /** The Cloudflare data centre of a request that is kept; "" for other requests, and if it is unknown. */
  colo: string;
  route: string;
  status: number;
  endedAt: EpochMs;
  key: string;
  cache: LookupStatus | "";
  negative: boolean;
  unreachable: boolean;
  steps: StepRecord[] | undefined;
  events: SpanEvent[] | undefined;
  /** Set if the record is of a batch of the queue, and not of a request. */
  batch: ConsumedBatch | undefined;
  /** Set if the request is for an operator. An audit record is then made of it. */
  audit: Audit | undefined;
  redisRequests: number;
  redisCommands: number;
  sqlRequests: number;
  sqlQueries: number;
  durableCalls: number;
  /** The number of steps and events that were dropped because a limit was reached. */
  dropped: number;
  /** True when the spans of the request have been made. A later step is then exported as a span of its own. */
  exported: boolean;
}

/** A batch of the queue. */
export interface ConsumedBatch {
  readonly queue: string;
  /** The number of messages. */
  readonly size: number;
  /** The spans of the senders. */
  readonly links: readonly SpanRef[];
}

/** The data that a request for an operator adds to its record. */
export interface Audit {
  /** The name of the token that was accepted; "" if none was. */
  readonly actor: string;
  readonly targets: readonly AuditTarget[];
}

/** The record of a request that has a span. */
export interface TracedRecord extends RequestRecord {
  readonly span: SpanRef;
}

export function isTraced(record: RequestRecord): record is TracedRecord {
  return record.span !== undefined;
}

export type RecordStart = Pick<
  RequestRecord,
  | "span"
  | "sampled"
  | "parent"
  | "link"
  | "background"
  | "startedAt"
  | "method"
  | "url"
  | "request"
  | "baggage"
>;

export function createRecord<S extends RecordStart>(start: S): RequestRecord & Pick<S, "span"> {
  return {
    span: start.span,
    sampled: start.sampled,
    parent: start.parent,
    link: start.link,
    background: start.background,
    startedAt: start.startedAt,
    method: start.method,
    url: start.url,
    request: start.request,
    baggage: start.baggage,
    colo: "",
    route: "",
    status: 0,
    endedAt: 0,
    key: "",
    cache: "",
    negative: false,
    unreachable: false,
    steps: undefined,
    events: undefined,
    batch: undefined,
    audit: undefined,
    redisRequests: 0,
    redisCommands: 0,
    sqlRequests: 0,
    sqlQueries: 0,
    durableCalls: 0,
    dropped: 0,
    exported: false,
  };
}

/** The limits of one request's record. They bound the memory that one request can use. */
const MAX_STEPS = 100;
const MAX_EVENTS = 50;

export function addStep(record: RequestRecord, step: StepRecord): void {
  record.steps ??= [];
  if (record.steps.length < MAX_STEPS) record.steps.push(step);
  else record.dropped++;
}

export function addEvent(record: RequestRecord, event: SpanEvent): void {
  record.events ??= [];
  if (record.events.length < MAX_EVENTS) record.events.push(event);
  else record.dropped++;
}

/** Returns the total duration of each kind of step. */
export function stepTotals(record: RequestRecord): ReadonlyMap<StepKind, Millis> {
  const totals = new Map<StepKind, Millis>();
  for (const { kind, ms } of record.steps ?? []) totals.set(kind, (totals.get(kind) ?? 0) + ms);
  return totals;
}

const METHODS = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
  "QUERY",
]);

/**
 * Returns the method, or "_OTHER" if it is not a standard one, because clients could otherwise
 * create any number of series.
 */
export function methodOf({ method }: Pick<RequestRecord, "method">): string {
  return METHODS.has(method) ? method : "_OTHER";
}

export function schemeOf({ url }: Pick<RequestRecord, "url">): "http" | "https" {
  return url.startsWith("https:") ? "https" : "http";
}

/** Returns the name of the record's span: the method and the route, or what is done with the queue. */
export function nameOf(record: RequestRecord): string {
  if (record.batch !== undefined) return `process ${record.batch.queue}`;
  return record.route === "" ? methodOf(record) : `${methodOf(record)} ${record.route}`;
}
