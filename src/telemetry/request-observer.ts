import type { AsyncLocalStorage } from "node:async_hooks";
import { ROOT_CONTEXT } from "@opentelemetry/api";
import { SamplingDecision, TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace";
import type { Random } from "../core/random.ts";
import type { RequestEnd, RequestObserver, RequestStart } from "../core/request-observer.ts";
import type { EventRecorder } from "./event-recorder.ts";
import { HANDOVER_MS, type FlushLoop } from "./export/flush-loop.ts";
import type { Meter } from "./metrics/meter.ts";
import type { SamplerName, TelemetrySettings } from "./settings.ts";
import {
  createRecord,
  isTraced,
  methodOf,
  schemeOf,
  type RequestRecord,
  type TracedRecord,
} from "./traces/request-record.ts";
import {
  newChildSpan,
  newSpanId,
  newTraceId,
  readCarrier,
  traceparentOf,
  type SpanRef,
} from "./traces/trace-context.ts";
import type { KeepReason } from "./traces/wide-event.ts";

type WaitUntil = (work: Promise<unknown>) => void;

export interface RequestObserverOptions {
  readonly settings: TelemetrySettings;
  readonly meter: Meter;
  readonly recordEvent: EventRecorder;
  /** The record of the request that runs now. It is set for requests that have a span. */
  readonly current: AsyncLocalStorage<RequestRecord>;
  /** Takes a finished request whose spans and log record are exported. */
  readonly keep: (record: TracedRecord, reason: KeepReason, waitUntil: WaitUntil) => void;
  /** Notes that a rate limit has refused the request with this URL. */
  readonly onRefusal: (url: string) => void;
  /** The loop that sends the metrics of this isolate; undefined without metrics objects. */
  readonly reportLoop: FlushLoop | undefined;
  readonly random: Random;
}

/** Patterns that Hono reports for a request that no route has answered. */
const UNROUTED = new Set(["*", "/*"]);

/** The statuses of requests that were refused. They are logged, so that attacks can be seen. */
const DENIED = new Set([401, 403, 429]);

/**
 * Observes requests. It counts each request, and decides which ones are kept for export.
 *
 * For most requests the sampler drops the trace. Such a request gets no async context, and its calls to
 * other services carry no trace headers. Its ids are made when it ends, for its response.
 */
export function createRequestObserver(
  options: RequestObserverOptions,
): RequestObserver<RequestRecord> {
  const { settings, meter, recordEvent, current, keep, reportLoop, random, onRefusal } = options;
  const { propagators, traceParent, slowMs } = settings;
  const sampler = createSampler(settings.sampler, settings.samplerRatio, random);

  function newSpan(parent: SpanRef | undefined, sampled: boolean): SpanRef {
    const traceId = parent?.traceId ?? sampler.newTraceId(sampled);
    return { traceId, spanId: newSpanId(random), sampled, state: parent?.state ?? "" };
  }

  function keepReason(record: RequestRecord): KeepReason | undefined {
    if (record.sampled) return "sampled";
    if (record.audit !== undefined) return "audited";
    if (DENIED.has(record.status)) return "denied";
    if (slowMs === 0) return undefined;
    if (record.status >= 500) return "error";
    return record.endedAt - record.startedAt >= slowMs ? "slow" : undefined;
  }

  /** Returns the span that the caller names; undefined if it names none, or is not read. */
  function callerOf({ headers }: RequestStart["request"]): SpanRef | undefined {
    if (traceParent === "ignore" || !propagators.has("tracecontext")) return undefined;
    const traceparent = headers.get("traceparent");
    return traceparent === null ? undefined : readCarrier(traceparent, headers.get("tracestate"));
  }

  function begin({ request, url, startedAt, background }: RequestStart): RequestRecord {
    const outer = current.getStore();
    const caller = outer === undefined ? callerOf(request) : undefined;
    const trusts = traceParent === "trust";
    const parent = outer?.span ?? (trusts ? caller : undefined);
    const sampled = outer === undefined ? sampler.shouldSample(parent) : outer.sampled;
    const hasSpan = sampled || parent !== undefined || caller !== undefined;
    return createRecord({
      span: hasSpan ? newSpan(parent, sampled) : undefined,
      sampled,
      parent,
      link: trusts ? undefined : caller,
      background: background || outer !== undefined,
      startedAt,
      method: request.method,
      url,
      request,
      baggage:
        (hasSpan && trusts && propagators.has("baggage") && request.headers.get("baggage")) || "",
    });
  }

  function end(
    record: RequestRecord,
    { at, status, route, limited }: RequestEnd,
    waitUntil: WaitUntil,
  ): string {
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
    if (limited && status === 429) onRefusal(record.url);
    const reason = keepReason(record);
    const span = record.span ?? newSpan(undefined, record.sampled);
    if (reason !== undefined) {
      record.colo = coloOf(record.request);
      record.request = undefined;
      keep(Object.assign(record, { span }), reason, waitUntil);
    }
    if (reportLoop !== undefined) {
      // `start` makes the same check. It is made here too, because a loop runs already for most
      // requests and the call is then saved.
      const loopAge = at - reportLoop.startedAt;
      if (!(loopAge >= 0 && loopAge < HANDOVER_MS)) reportLoop.start(at, waitUntil);
    }
    return traceparentOf(span);
  }

  return {
    begin,
    observe: recordEvent,
    child: ({ span }) => span && newChildSpan(span, random),
    run: (record, call) => (isTraced(record) ? current.run(record, call) : call()),
    end,
  };
}

function coloOf(request: RequestRecord["request"]): string {
  const colo = request?.cf?.["colo"];
  return typeof colo === "string" ? colo : "";
}

export interface Sampler {
  /** Returns the decision about the trace of `parent`, or about a new trace if there is no parent. */
  shouldSample(parent: SpanRef | undefined): boolean;
  /** Makes an id for a new trace. The SDK's samplers would decide about this id as `sampled` says. */
  newTraceId(sampled: boolean): string;
}

const WORDS = 2 ** 32;

/**
 * Creates the sampler that OTEL_TRACES_SAMPLER names. For a new trace it decides at random first.
 * Later, if an id is needed, it makes an id that matches the decision: most traces are dropped and
 * need none.
 */
export function createSampler(name: SamplerName, ratio: number, random: Random): Sampler {
  const rule = name.replace("parentbased_", "");
  const share = rule === "always_on" ? 1 : rule === "always_off" ? 0 : ratio;
  const sdkSampler = new TraceIdRatioBasedSampler(share);
  /** TraceIdRatioBasedSampler samples an id if the XOR of the id's four words is below this number. */
  const bound = share === 1 ? WORDS : Math.floor(share * (WORDS - 1));

  return {
    shouldSample(parent) {
      if (parent === undefined) return random() * WORDS < bound;
      if (name.startsWith("parentbased_")) return parent.sampled;
      const { decision } = sdkSampler.shouldSample(ROOT_CONTEXT, parent.traceId);
      return decision !== SamplingDecision.NOT_RECORD;
    },

    newTraceId(sampled) {
      // The offset is rounded before the bound is added, because the sum of both could be rounded
      // up to WORDS.
      const offset = Math.floor(random() * (sampled ? bound : WORDS - bound));
      return newTraceId(random, sampled ? offset : bound + offset);
    },
  };
}
