import type { LookupStatus } from "../core/events.ts";
import type { Incoming } from "../core/ports.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { SpanRef } from "./trace-context.ts";

/** What a step was spent on; decides its span's name and attributes. */
export type StepKind = "edge" | "redis" | "flight" | "origin" | "postgresql" | "call" | "durable";

export interface StepRecord {
  readonly kind: StepKind;
  readonly name: string;
  readonly endedAt: EpochMs;
  readonly ms: Millis;
  readonly outcome: string;
  /** Given where the span had to have a name before it began: it was handed on. */
  readonly spanId: string;
  /** Commands of Redis, queries of SQL. */
  readonly amount: number;
}

/** Something that happened at an instant. */
export interface MomentRecord {
  readonly name: string;
  readonly at: EpochMs;
  readonly detail: string;
}

/** The data centre that took a request; "" where there is none. */
export function coloOf({ request }: Pick<RequestRecord, "request">): string {
  const colo = request?.cf?.["colo"];
  return typeof colo === "string" ? colo : "";
}

/** What is known of one request: little while it is a hit, all that spans and logs are made of if not. */
export interface RequestRecord {
  readonly span: SpanRef;
  readonly parent: SpanRef | undefined;
  /** Runs for the cache's sake, after somebody's response. */
  readonly background: boolean;
  readonly startedAt: EpochMs;
  readonly method: string;
  readonly url: string;
  /** What else came with it; read only when something is made of it. */
  readonly request: Incoming["request"] | undefined;
  route: string;
  status: number;
  endedAt: EpochMs;
  key: string;
  cache: LookupStatus | "";
  negative: boolean;
  unreachable: boolean;
  steps: StepRecord[] | undefined;
  moments: MomentRecord[] | undefined;
  redisRequests: number;
  redisCommands: number;
  sqlRequests: number;
  sqlQueries: number;
  durableCalls: number;
  /** Steps and moments past the limit. */
  dropped: number;
  /** Its spans have been made; what happens now gets a span of its own. */
  exported: boolean;
}

export type RecordStart = Pick<
  RequestRecord,
  "span" | "parent" | "background" | "startedAt" | "method" | "url" | "request"
>;

export function createRecord(start: RecordStart): RequestRecord {
  return {
    span: start.span,
    parent: start.parent,
    background: start.background,
    startedAt: start.startedAt,
    method: start.method,
    url: start.url,
    request: start.request,
    route: "",
    status: 0,
    endedAt: 0,
    key: "",
    cache: "",
    negative: false,
    unreachable: false,
    steps: undefined,
    moments: undefined,
    redisRequests: 0,
    redisCommands: 0,
    sqlRequests: 0,
    sqlQueries: 0,
    durableCalls: 0,
    dropped: 0,
    exported: false,
  };
}

/** Bounds what one request can make its isolate hold. */
const MAX_STEPS = 100;
const MAX_MOMENTS = 50;

export function addStep(record: RequestRecord, step: StepRecord): void {
  record.steps ??= [];
  if (record.steps.length < MAX_STEPS) record.steps.push(step);
  else record.dropped++;
}

export function addMoment(record: RequestRecord, moment: MomentRecord): void {
  record.moments ??= [];
  if (record.moments.length < MAX_MOMENTS) record.moments.push(moment);
  else record.dropped++;
}

/** How long each kind of step took in all. */
export function stepTotals(record: RequestRecord): ReadonlyMap<StepKind, Millis> {
  const totals = new Map<StepKind, Millis>();
  for (const { kind, ms } of record.steps ?? []) totals.set(kind, (totals.get(kind) ?? 0) + ms);
  return totals;
}
