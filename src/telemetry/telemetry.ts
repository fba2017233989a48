// oxlint-disable-next-line typescript/triple-slash-reference -- the tests' program has to find it too
/// <reference path="./async-hooks.d.ts" />
/** Telemetry of one isolate: what is counted, what is kept, and how it leaves. */
import { AsyncLocalStorage } from "node:async_hooks";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { CacheEvent } from "../core/events.ts";
import type { MetricsPort } from "../core/metrics.ts";
import type { ChildSpan } from "../core/trace-carrier.ts";
import type { NewId, Random } from "../core/random.ts";
import type { Clock, Millis } from "../core/time.ts";
import type { RequestEnd, RequestStart, RequestObserver } from "../core/request-observer.ts";
import type { Fetch } from "./export/exporter.ts";
import { hashKey } from "./hash-key.ts";
import { createMeter, type Meter } from "./metrics/meter.ts";
import { createMetricsView, type MetricsView } from "./metrics/metrics-view.ts";
import { createExportQueue } from "./export/export-queue.ts";
import { createFlushLoop } from "./export/flush-loop.ts";
import {
  addStep as addToRecord,
  createRecord,
  isNamed,
  type NamedRecord,
  type RequestRecord,
  type StepRecord,
} from "./traces/request-record.ts";
import { createRecorder } from "./event-recorder.ts";
import { createReporter } from "./metrics/reporter.ts";
import { createSampler } from "./traces/sampling.ts";
import type { TelemetrySettings } from "./settings.ts";
import { methodOf, schemeOf } from "./traces/spans.ts";
import { createTopKeys } from "./metrics/top-keys.ts";
import {
  carrierOf,
  newSpanId,
  readCarrier,
  traceparentOf,
  type SpanRef,
} from "./traces/trace-context.ts";
import type { Kept } from "./traces/wide-event.ts";

export interface TelemetryOptions {
  readonly settings: TelemetrySettings;
  /** What of the settings is ignored; said once. */
  readonly warnings: readonly string[];
  /** The metrics objects; without them nothing is counted beyond this isolate. */
  readonly metrics: MetricsPort | undefined;
  readonly memory: () => {
    readonly entries: number;
    readonly bytes: number;
    readonly evictions: number;
  };
  readonly flushMs: Millis;
  readonly fetch: Fetch;
  readonly now: Clock;
  readonly random: Random;
  readonly newId: NewId;
  readonly sleep: (ms: Millis) => Promise<void>;
  /** Writes one line to the console. */
  readonly print: (line: string) => void;
}

export interface Telemetry {
  /** Sees requests; none if telemetry is off. */
  readonly observer: RequestObserver<RequestRecord> | undefined;
  /** An event that belongs to no request. */
  observe(event: CacheEvent): void;
  /** One request to Postgres has been answered, or has failed. */
  observeSql(request: {
    readonly queries: number;
    readonly ms: Millis;
    readonly outcome: string;
  }): void;
  /** A child of the current request's span, for a call that is told of it; undefined outside any. */
  child(): (ChildSpan & { readonly baggage: string }) | undefined;
  /** Adds a step to the current request's record. */
  step(step: Omit<StepRecord, "endedAt">): void;
  readonly meter: Meter;
  /** What all isolates have counted. */
  readonly metrics: MetricsView;
}

const WATCHED_KEYS = 128;
const UNROUTED = new Set(["*", "/*"]);

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { settings, metrics, now, random, newId, flushMs, sleep } = options;
  const { enabled, slowMs, plainKeys, propagators } = settings;
  for (const warning of options.warnings) options.print(`telemetry: ${warning}`);
  const current = new AsyncLocalStorage<RequestRecord>();
  const nameKey = plainKeys ? (key: string) => key : hashKey;
  const meter = createMeter();
  const hot = createTopKeys(WATCHED_KEYS);
  const missed = createTopKeys(WATCHED_KEYS);
  const sampler = createSampler(settings.sampler, settings.samplerRatio, random);
  const resource = resourceFromAttributes(settings.resource);
  const outbox = createExportQueue({ ...options, resource, meter, nameKey });
  const reporter =
    metrics &&
    createReporter({
      port: metrics,
      meter,
      hot,
      missed,
      nameKey,
      isolate: newId(),
      now,
      memory: options.memory,
    });
  const reports =
    reporter &&
    createFlushLoop({
      run: reporter.run,
      isEmpty: () => reporter.empty,
      everyMs: flushMs,
      now,
      sleep,
    });
  const exports = createFlushLoop({
    run: outbox.run,
    isEmpty: () => outbox.empty,
    isFull: () => outbox.full,
    everyMs: flushMs,
    now,
    sleep,
  });

  function addStep(record: RequestRecord, step: StepRecord): void {
    if (record.exported && isNamed(record)) outbox.addLate(record, step);
    else addToRecord(record, step);
  }

  const recorder = createRecorder({ meter, now, hot, missed, nameKey, addStep });

  function keptOf(record: RequestRecord): Kept | undefined {
    if (record.sampled) return "sampled";
    if (slowMs === 0) return undefined;
    if (record.status >= 500) return "error";
    return record.endedAt - record.startedAt >= slowMs ? "slow" : undefined;
  }

  function newSpan(parent: SpanRef | undefined, sampled: boolean): SpanRef {
    const traceId = parent?.traceId ?? sampler.name(sampled);
    return { traceId, spanId: newSpanId(random), sampled, state: parent?.state ?? "" };
  }

  /** What is made of it later needs a name, and nothing that only the request itself knows. */
  function keep(record: RequestRecord): NamedRecord {
    record.colo = coloOf(record.request);
    record.request = undefined;
    return Object.assign(record, { span: record.span ?? newSpan(undefined, record.sampled) });
  }

  function childOf({ span }: RequestRecord): ChildSpan | undefined {
    if (span === undefined) return undefined;
    const spanId = newSpanId(random);
    return { spanId, carrier: carrierOf({ ...span, spanId }) };
  }

  function begin({ request, url, startedAt, background }: RequestStart): RequestRecord {
    const outer = current.getStore();
    const traceparent =
      outer === undefined && propagators.has("tracecontext")
        ? request.headers.get("traceparent")
        : null;
    const parent =
      outer?.span ??
      (traceparent === null
        ? undefined
        : readCarrier(traceparent, request.headers.get("tracestate")));
    const sampled = outer === undefined ? sampler.decide(parent) : outer.sampled;
    // Most requests begin a trace that nobody keeps: it gets no name, and is not told to anybody.
    const hasName = sampled || parent !== undefined;
    return createRecord({
      span: hasName ? newSpan(parent, sampled) : undefined,
      sampled,
      parent,
      background: background || outer !== undefined,
      startedAt,
      method: request.method,
      url,
      request,
      baggage: (hasName && propagators.has("baggage") && request.headers.get("baggage")) || "",
    });
  }

  /** An async context is made only for the requests of a trace that is kept, or that somebody else began. */
  function run<T>(record: RequestRecord, call: () => T): T {
    return isNamed(record) ? current.run(record, call) : call();
  }

  function end(
    record: RequestRecord,
    { at, status, route, limited }: RequestEnd,
    waitUntil: (work: Promise<unknown>) => void,
  ): string | undefined {
    record.endedAt = at;
    record.status = status;
    record.route = UNROUTED.has(route) ? "" : route;
    if (!record.background) {
      const seconds = (record.endedAt - record.startedAt) / 1000;
      meter.record(
        "http.server.request.duration",
        seconds,
        methodOf(record),
        record.route,
        String(status),
        schemeOf(record),
      );
      if (limited)
        meter.add(
          "cache.ratelimit.decisions",
          1,
          status === 429 ? "refused" : "allowed",
          record.route,
        );
    }
    const kept = keptOf(record);
    if (kept !== undefined) {
      const named = keep(record);
      outbox.add(named, kept);
      reporter?.show(named);
      if (!outbox.empty) exports.kick(at, waitUntil);
    }
    reports?.kick(at, waitUntil);
    return record.span && traceparentOf(record.span);
  }

  return {
    observer: enabled ? { begin, observe: recorder, child: childOf, run, end } : undefined,
    observe: enabled ? (event) => recorder(event, undefined) : () => undefined,
    meter,
    metrics: createMetricsView({ port: metrics, resource: settings.resource }),

    observeSql({ queries, ms, outcome }) {
      if (!enabled) return;
      const error = outcome === "ok" ? "" : outcome;
      meter.record("db.client.operation.duration", ms / 1000, "postgresql", "", error);
      meter.add("cache.sql.queries", queries);
      const record = current.getStore();
      if (record === undefined) return;
      record.sqlRequests += 1;
      record.sqlQueries += queries;
      const step = { kind: "postgresql", name: "postgresql", endedAt: now(), ms } as const;
      addStep(record, { ...step, outcome, spanId: "", amount: queries });
    },

    child() {
      const record = current.getStore();
      const child = record && childOf(record);
      return child && { ...child, baggage: record.baggage };
    },

    step(step) {
      const record = current.getStore();
      if (enabled && record !== undefined) addStep(record, { ...step, endedAt: now() });
    },
  };
}

function coloOf(request: RequestRecord["request"]): string {
  const colo = request?.cf?.["colo"];
  return typeof colo === "string" ? colo : "";
}
