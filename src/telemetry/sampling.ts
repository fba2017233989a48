import { ROOT_CONTEXT } from "@opentelemetry/api";
import { SamplingDecision, TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace";
import type { SamplerName } from "./settings.ts";
import type { SpanRef } from "./trace-context.ts";

/** Decides at a trace's first span, or follows whoever did. */
export type Sample = (traceId: string, parent: SpanRef | undefined) => boolean;

/** A sampler by its name in OTEL_TRACES_SAMPLER. The ratio agrees with other services of the SDK. */
export function createSampler(name: SamplerName, ratio: number): Sample {
  const root = rootOf(name.replace("parentbased_", ""), ratio);
  if (!name.startsWith("parentbased_")) return root;
  return (traceId, parent) => (parent === undefined ? root(traceId) : parent.sampled);
}

function rootOf(name: string, ratio: number): (traceId: string) => boolean {
  if (name === "always_on") return () => true;
  if (name === "always_off") return () => false;
  const sampler = new TraceIdRatioBasedSampler(ratio);
  return (traceId) =>
    sampler.shouldSample(ROOT_CONTEXT, traceId).decision !== SamplingDecision.NOT_RECORD;
}
