import type { TraceSummary } from "../../core/metrics.ts";
import { nameOf, type TracedRecord } from "./request-record.ts";

/** The most steps of one request that the dashboard's waterfall shows. */
const MAX_STEPS = 30;

/** Returns the data of a finished request for the dashboard's waterfall. */
export function traceSummary(record: TracedRecord): TraceSummary {
  const { span, startedAt, endedAt, status, cache, steps = [] } = record;
  return {
    traceId: span.traceId,
    name: nameOf(record),
    at: startedAt,
    ms: endedAt - startedAt,
    status,
    cache,
    steps: steps.slice(0, MAX_STEPS).map((step) => ({
      name: step.name,
      offsetMs: Math.max(0, step.endedAt - step.ms - startedAt),
      ms: step.ms,
      outcome: step.outcome,
      spanId: step.spanId,
      parentId: span.spanId,
    })),
  };
}
