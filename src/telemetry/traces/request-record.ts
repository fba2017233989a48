import type { LookupStatus } from "../../core/events.ts";
import type { EpochMs, Millis } from "../../core/time.ts";
import type { RequestStart } from "../../core/request-observer.ts";
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

/** What is known of one request: little while it is a hit, all that spans and logs are made of if not. */
export interface RequestRecord {
  /** Its own span; undefined as long as nobody keeps it, and it belongs to nobody's trace. */
  span: SpanRef | undefined;
  /** What the sampler has decided. */
  readonly sampled: boolean;
  readonly parent: SpanRef | undefined;
  /** Runs for the cache's sake, after somebody's response. */
  readonly background: boolean;
  readonly startedAt: EpochMs;
  readonly method: string;
  readonly url: string;
  /** What came, as long as it runs: what waits for its export must not hold it. */
  request: RequestStart["request"] | undefined;
  /** Goes on to the services it calls; "" if its span has no name. */
  readonly baggage: string;
  /** The data centre that took it, once it is kept; "" where there is none. */
  colo: string;
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

/** A request whose span has a name: it is kept, or belongs to somebody's trace. */
export interface NamedRecord extends RequestRecord {
  readonly span: SpanRef;
}

export function isNamed(record: RequestRecord): record is NamedRecord {
  return record.span !== undefined;
}

export type RecordStart = Pick<
  RequestRecord,
  | "span"
  | "sampled"
  | "parent"
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
