import type { TraceSummary } from "../../core/metrics.ts";
import type { NamedRecord } from "./request-record.ts";
import { nameOf } from "./spans.ts";

/** Steps of one request that the waterfall shows. */
const MAX_STEPS = 30;

/** A finished request as the waterfall shows it. */
export function traceSummary(record: NamedRecord): TraceSummary {
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
