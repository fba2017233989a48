import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { createExporter, type Exporter, type ExportPlatform } from "./exporter.ts";
import type { Meter } from "../metrics/meter.ts";
import type { serializersOf } from "./otlp-serializers.ts";
import type { TracedRecord, StepRecord } from "../traces/request-record.ts";
import type { Endpoint, TelemetrySettings } from "../settings.ts";
import { lateSpan, spansOf, type SpanSource } from "../traces/spans.ts";
import { auditLine, auditRecord, isAudited } from "../traces/audit-record.ts";
import {
  consoleLine,
  exportsSpans,
  logRecord,
  wideEvent,
  type KeepReason,
  type LogRecord,
} from "../traces/wide-event.ts";

export interface ExportQueueOptions extends ExportPlatform {
  readonly settings: TelemetrySettings;
  readonly resource: Resource;
  readonly meter: Meter;
  readonly formatKey: (key: string) => string;
  readonly print: (line: string) => void;
  /** Called at the end of each export. */
  readonly onExport: (succeeded: boolean) => void;
}

/**
 * The requests whose spans and log records wait to be exported. The queue has a maximum size. It
 * drops requests that do not fit.
 */
export interface ExportQueue {
  add(record: TracedRecord, reason: KeepReason): void;
  /** Adds a step that ended after the spans of its request were made. */
  addLate(record: TracedRecord, step: StepRecord): void;
  /** Adds the spans of a batch of the queue. It makes no log record. */
  addBatch(record: TracedRecord): void;
  /** Exports one batch. Its spans and its log records are sent at the same time. Never rejects. */
  run(): Promise<void>;
  readonly empty: boolean;
  /** True if enough requests wait for a whole batch. */
  readonly full: boolean;
}

/**
 * The most requests in the queue. OpenTelemetry's batch span processor has the same default. As many
 * places again are reserved for requests with an accepted admin token.
 */
const MAX_QUEUE = 2_048;
/** The most bytes of the requests in the queue, because a client chooses how long a URL is. */
const MAX_QUEUE_BYTES = 4 * 2 ** 20;
/** The most requests in one export. */
const MAX_BATCH = 256;

interface QueuedRequest {
  readonly record: TracedRecord;
  readonly reason: KeepReason;
  readonly bytes: number;
}

type Serializers = ReturnType<typeof serializersOf>;

interface Target {
  readonly exporter: Exporter;
  readonly serializers: () => Promise<Serializers>;
}

/** Loads the encoders with the first export: an isolate that exports nothing never evaluates them. */
async function loadSerializers(endpoint: Endpoint): Promise<Serializers> {
  const encoders = await import("./otlp-serializers.ts");
  return encoders.serializersOf(endpoint);
}

export function createExportQueue(options: ExportQueueOptions): ExportQueue {
  const { settings, resource, meter, formatKey, random, print, onExport } = options;
  const { traces, logs } = settings.endpoints;
  const source: SpanSource = { resource, random, formatKey, plainPaths: settings.plainKeys };
  const traceTarget = traces && targetOf(traces, "traces");
  const logTarget = logs && targetOf(logs, "logs");
  const hasTarget = traces !== undefined || logs !== undefined || settings.console;
  let waiting: QueuedRequest[] = [];
  let waitingBytes = 0;
  let late: ReadableSpan[] = [];

  function targetOf(endpoint: Endpoint, signal: "traces" | "logs"): Target {
    const serializers = () => loadSerializers(endpoint);
    const exporter = createExporter({
      ...options,
      endpoint,
      rejectedOf: async (answer) => {
        const serializer = (await serializers())[signal];
        const { partialSuccess } = serializer.deserializeResponse(answer);
        if (partialSuccess === undefined) return 0;
        // OTLP in JSON writes a 64-bit number as a string, so the number is converted.
        const rejected: unknown =
          "rejectedSpans" in partialSuccess
            ? partialSuccess.rejectedSpans
            : "rejectedLogRecords" in partialSuccess
              ? partialSuccess.rejectedLogRecords
              : undefined;
        return Number(rejected ?? 0);
      },
    });
    return { exporter, serializers };
  }

  function drop(signal: "span" | "log", reason: string, count: number): void {
    if (count > 0) meter.add("telemetry.dropped", count, signal, reason);
  }

  async function post(
    target: Target | undefined,
    signal: "span" | "log",
    items: number,
    encode: (serializers: Serializers) => Uint8Array | undefined,
  ): Promise<void> {
    if (target === undefined || items === 0) return;
    const body = encode(await target.serializers());
    if (body === undefined) return drop(signal, "encoding", items);
    const { outcome, rejected } = await target.exporter.post(body);
    meter.add("telemetry.exports", 1, signal, outcome);
    onExport(outcome === "ok");
    drop(signal, outcome === "ok" ? "rejected" : outcome, outcome === "ok" ? rejected : items);
  }

  async function exportBatch(): Promise<void> {
    const batch = waiting.slice(0, MAX_BATCH);
    waiting = waiting.slice(MAX_BATCH);
    for (const { bytes } of batch) waitingBytes -= bytes;
    const spans: ReadableSpan[] = late;
    const records: LogRecord[] = [];
    late = [];
    for (const { record, reason } of batch) {
      record.exported = exportsSpans(reason);
      if (traces !== undefined && record.exported) spans.push(...spansOf(record, source));
      if (logs === undefined && !settings.console) continue;
      const event = wideEvent(record, reason, formatKey);
      if (settings.console) print(consoleLine(record, event));
      if (logs === undefined) continue;
      records.push(logRecord(record, event, resource));
      if (isAudited(record)) records.push(auditRecord(record, formatKey, resource));
    }
    await Promise.all([
      post(traceTarget, "span", spans.length, (to) => to.traces.serializeRequest(spans)),
      post(logTarget, "log", records.length, (to) => to.logs.serializeRequest(records)),
    ]);
  }

  return {
    add(record, reason) {
      // The line is printed at once, because the platform may end the isolate before the export.
      if (settings.auditConsole && isAudited(record)) print(auditLine(record, formatKey));
      if (!hasTarget) return;
      // Clients without a token can fill the queue, and must not push out the actions of operators.
      const isOperator = record.audit !== undefined && record.audit.actor !== "";
      const bytes = bytesOf(record);
      const places = isOperator ? 2 : 1;
      if (waiting.length < places * MAX_QUEUE && waitingBytes + bytes <= places * MAX_QUEUE_BYTES) {
        waiting.push({ record, reason, bytes });
        waitingBytes += bytes;
      } else {
        if (traces !== undefined && exportsSpans(reason))
          drop("span", "queue", 1 + (record.steps?.length ?? 0));
        drop("log", "queue", 1);
      }
    },

    addLate(record, step) {
      if (traces === undefined) return;
      if (late.length < MAX_QUEUE) late.push(lateSpan(step, record, source));
      else drop("span", "queue", 1);
    },

    addBatch(record) {
      if (traces === undefined) return;
      record.exported = true;
      const spans = spansOf(record, source);
      if (late.length + spans.length <= MAX_QUEUE) late.push(...spans);
      else drop("span", "queue", spans.length);
    },

    run: exportBatch,

    get empty() {
      return waiting.length === 0 && late.length === 0;
    },

    get full() {
      return waiting.length >= MAX_BATCH;
    },
  };
}

/** The bytes of a record in the heap of workerd, as measured, and those of its parts. */
const RECORD_BYTES = 600;
const PART_BYTES = 120;

/** Estimates the bytes that a record takes in memory. The fields of a request have one byte for each character. */
function bytesOf({ url, baggage, key, span, parent, link, steps, events, audit }: TracedRecord) {
  let bytes = RECORD_BYTES + url.length + baggage.length + 2 * key.length;
  for (const one of [span, parent, link]) bytes += one?.state.length ?? 0;
  for (const { detail } of events ?? []) bytes += 2 * detail.length;
  for (const [, target] of audit?.targets ?? []) bytes += 2 * target.length;
  const parts = (steps?.length ?? 0) + (events?.length ?? 0) + (audit?.targets.length ?? 0);
  return bytes + parts * PART_BYTES;
}
