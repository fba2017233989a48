// oxlint-disable-next-line typescript/triple-slash-reference -- the tests' program has to find it too
/// <reference path="../core/async-hooks.d.ts" />
/** Builds the telemetry of one isolate from its parts. */
import { AsyncLocalStorage } from "node:async_hooks";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { DegradationReport, DependencyReport } from "../core/degradation.ts";
import { createDeliveryOutcomes, worstOf } from "../core/delivery-outcomes.ts";
import type { BreakerName, BreakerReport, Defer } from "../core/breaker.ts";
import type { BreakerChange, CacheEvent, EventOf } from "../core/events.ts";
import type { Entry } from "../core/entry.ts";
import type { KeyNotes } from "../core/key-notes.ts";
import type { LevelChange, MetricsPort } from "../core/metrics.ts";
import type { SlotStats } from "../core/origin-slots.ts";
import type { RedisFigures } from "../core/redis-figures.ts";
import type { NewId } from "../core/random.ts";
import type { RequestObserver } from "../core/request-observer.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { ChildSpan } from "../core/trace-carrier.ts";
import type { TrafficSketch } from "../core/traffic.ts";
import { createEventRecorder, type TokenPrices } from "./event-recorder.ts";
import { createExportQueue } from "./export/export-queue.ts";
import type { ExportPlatform } from "./export/exporter.ts";
import { createFlushLoop } from "./export/flush-loop.ts";
import { hashKey } from "./hash-key.ts";
import { createKeyNotes, type KeyNoteOptions } from "./key-notes.ts";
import { createMeter, createTopKeys, type Meter } from "./metrics/meter.ts";
import { createMetricsView, type MetricsView } from "./metrics/metrics-view.ts";
import { redisReport } from "./metrics/redis-report.ts";
import { createReporter, type MemoryStats } from "./metrics/reporter.ts";
import { createBatchObserver, type ObserveBatch } from "./batch-observer.ts";
import { createRequestObserver, createSampler } from "./request-observer.ts";
import type { TelemetrySettings } from "./settings.ts";
import { knownSketches } from "./traffic/known-sketches.ts";
import { createTrafficRecorder } from "./traffic/recorder.ts";
import {
  addStep as addToRecord,
  isTraced,
  type RequestRecord,
  type StepRecord,
} from "./traces/request-record.ts";
import { newChildSpan } from "./traces/trace-context.ts";
import { exportsSpans } from "./traces/wide-event.ts";

export interface TelemetryOptions extends ExportPlatform {
  readonly settings: TelemetrySettings;
  /** One text for each setting that was ignored. Each text is printed once. */
  readonly warnings: readonly string[];
  /** The metrics objects and the figures that this isolate reports to them. Without it, its metrics are not reported. */
  readonly reported: Reported | undefined;
  /** Returns the entry in memory, without a use. */
  readonly peek: (key: string) => Entry | undefined;
  /** The prices of the tokens of the model. */
  readonly tokenPrices: TokenPrices;
  readonly invalidationOf: KeyNoteOptions["invalidationOf"];
  /** The milliseconds between two reports, and between two exports. */
  readonly flushMs: Millis;
  readonly newId: NewId;
  /** Writes one line to the console. */
  readonly print: (line: string) => void;
}

/** The metrics objects, and the parts of the isolate whose figures they get beside those of its requests. */
export interface Reported {
  readonly metrics: MetricsPort;
  readonly memory: () => MemoryStats;
  /** The level of this isolate, and the states of its dependencies. */
  readonly health: () => DegradationReport;
  readonly breakers: Readonly<Record<BreakerName, BreakerReport>>;
  readonly slots: () => SlotStats;
}

export interface Telemetry {
  /** The observer of requests. Undefined if telemetry is off. */
  readonly observer: RequestObserver<RequestRecord> | undefined;
  /** Runs the consumer of a batch of the queue. */
  readonly observeBatch: ObserveBatch;
  /** Records an event that belongs to no request. */
  observe(event: CacheEvent): void;
  /** Counts and prints a change of a breaker, and adds it to the record of the current request. */
  observeBreaker(change: BreakerChange): void;
  /** Counts a run of a task of the cron trigger, prints its failure, and reports the metrics of this isolate. */
  observeTask(end: EventOf<"task.end">, defer: Defer): void;
  /**
   * Reports the figures of the Redis server. Rejects if the report may be lost. Undefined if there is
   * nothing to report to.
   */
  readonly reportRedis: ((figures: RedisFigures) => Promise<void>) | undefined;
  /** Returns the state of the collector and of the metrics objects, from the last exports and reports. */
  state(at: EpochMs): DependencyReport;
  /** Records the end of one request to Postgres. */
  observeSql(request: {
    readonly queries: number;
    readonly startedAt: EpochMs;
    readonly ms: Millis;
    readonly outcome: string;
  }): void;
  /**
   * Makes a child of the current request's span, for a call to another service. Undefined if the
   * request has no span.
   */
  child(): (ChildSpan & { readonly baggage: string }) | undefined;
  /** Adds a step to the record of the current request. */
  step(step: StepRecord): void;
  /** Notes on keys that no tier answered. */
  readonly keyNotes: KeyNotes;
  /** Returns the recorded reads of this isolate, and those that other isolates have reported. */
  sketches(): Promise<readonly TrafficSketch[]>;
  readonly meter: Meter;
  /** The totals of all isolates. */
  readonly metrics: MetricsView;
}

/** The most keys that each list of frequent keys counts between two reports. */
const COUNTED_KEYS = 128;

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { settings, reported, now, random, newId, flushMs, sleep } = options;
  const metrics = reported?.metrics;
  const { enabled } = settings;
  for (const warning of options.warnings) options.print(`telemetry: ${warning}`);
  const current = new AsyncLocalStorage<RequestRecord>();
  const formatKey = settings.plainKeys ? (key: string) => key : hashKey;
  const meter = createMeter();
  const isolate = newId();
  const traffic = createTrafficRecorder({ isolate, peek: options.peek });
  const hot = createTopKeys(COUNTED_KEYS, traffic.markOf);
  const missed = createTopKeys(COUNTED_KEYS);
  const resource = resourceFromAttributes(settings.resource);
  const [exports, reports] = [createDeliveryOutcomes(), createDeliveryOutcomes()];
  const exportQueue = createExportQueue({
    ...options,
    resource,
    meter,
    formatKey,
    onExport: (succeeded) => exports.add(succeeded, now()),
  });
  const reporter =
    reported &&
    createReporter({
      ...reported,
      port: reported.metrics,
      meter,
      hot,
      missed,
      formatKey,
      isolate,
      now,
      sketch: traffic.sketch,
      onReport: (succeeded) => reports.add(succeeded, now()),
    });
  const reportLoop =
    reporter &&
    createFlushLoop({
      run: reporter.run,
      isEmpty: () => reporter.empty,
      everyMs: flushMs,
      now,
      sleep,
    });
  const exportLoop = createFlushLoop({
    run: exportQueue.run,
    isEmpty: () => exportQueue.empty,
    isFull: () => exportQueue.full,
    everyMs: flushMs,
    now,
    sleep,
  });

  function addStep(record: RequestRecord, step: StepRecord): void {
    if (record.exported && isTraced(record)) exportQueue.addLate(record, step);
    else addToRecord(record, step);
  }

  function onLevelChange(change: LevelChange): void {
    reporter?.addLevelChange(change);
    const { from, to, cause } = change;
    options.print(`level of service: ${from} to ${to} (${cause})`);
  }

  const keyNotes = createKeyNotes({ now, invalidationOf: options.invalidationOf });
  const recordEvent = createEventRecorder({
    note: keyNotes.note,
    meter,
    now,
    hot,
    missed,
    traffic,
    formatKey,
    addStep,
    onLevelChange,
    onRelay: (deferred) => reporter?.noteDeferred(deferred),
    tokenPrices: options.tokenPrices,
  });
  const observer = createRequestObserver({
    settings,
    meter,
    recordEvent,
    current,
    keep(record, reason, waitUntil) {
      exportQueue.add(record, reason);
      if (exportsSpans(reason)) reporter?.addTrace(record);
      if (!exportQueue.empty) exportLoop.start(record.endedAt, waitUntil);
    },
    reportLoop,
    random,
    onRefusal: keyNotes.refuse,
  });

  const observeBatch = createBatchObserver({
    recordEvent,
    current,
    sampler: createSampler(settings.sampler, settings.samplerRatio, random),
    random,
    keep(record, waitUntil) {
      exportQueue.addBatch(record);
      if (!exportQueue.empty) exportLoop.start(record.endedAt, waitUntil);
    },
    reportLoop,
  });

  return {
    observeBatch: enabled ? observeBatch : (_batch, ctx, consume) => consume(ctx),
    observer: enabled ? observer : undefined,
    observe: enabled ? (event) => recordEvent(event, undefined) : () => undefined,
    observeBreaker(change) {
      options.print(lineOf(change));
      if (enabled) recordEvent(change, current.getStore());
    },
    observeTask(end, defer) {
      const { task, outcome, detail } = end;
      if (outcome === "failed") options.print(`cron ${task}: failed (${detail ?? ""})`);
      if (!enabled) return;
      recordEvent(end, undefined);
      // The isolate may get no request that starts the loop.
      reportLoop?.start(now(), defer);
    },
    reportRedis:
      enabled && metrics ? (figures) => metrics.report(redisReport(figures, now())) : undefined,
    state: (at) => worstOf([exports.report(at), reports.report(at)]),
    keyNotes,
    sketches: () => knownSketches(traffic.sketch(), metrics),
    meter,
    metrics: createMetricsView({ port: metrics, resource: settings.resource, formatKey }),

    observeSql({ queries, startedAt, ms, outcome }) {
      if (!enabled) return;
      const error = outcome === "ok" ? "" : outcome;
      meter.record("db.client.operation.duration", ms / 1000, "postgresql", "", error);
      meter.add("cache.sql.queries", queries);
      const record = current.getStore();
      if (record === undefined) return;
      record.sqlRequests += 1;
      record.sqlQueries += queries;
      addStep(record, {
        kind: "postgresql",
        name: "postgresql",
        endedAt: startedAt + ms,
        ms,
        outcome,
        spanId: "",
        amount: queries,
      });
    },

    child() {
      const record = current.getStore();
      return record?.span && { ...newChildSpan(record.span, random), baggage: record.baggage };
    },

    step(step) {
      const record = current.getStore();
      if (enabled && record !== undefined) addStep(record, step);
    },
  };
}

/** The line that the log of the platform gets: one for each change, whatever telemetry keeps. */
function lineOf({ name, from, to, failureRate, slowRate }: BreakerChange): string {
  const percent = (rate: number): string => `${Math.round(rate * 100)} %`;
  return `breaker ${name}: ${from} -> ${to} (failed ${percent(failureRate)}, slow ${percent(slowRate)})`;
}
