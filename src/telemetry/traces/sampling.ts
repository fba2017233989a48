import { ROOT_CONTEXT } from "@opentelemetry/api";
import { SamplingDecision, TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace";
import type { Random } from "../../core/random.ts";
import type { SamplerName } from "../settings.ts";
import { newTraceId, type SpanRef } from "./trace-context.ts";

export interface Sampler {
  /** Whether a trace is kept; one that begins here, if there is no parent. */
  decide(parent: SpanRef | undefined): boolean;
  /** An id for a trace that begins here, on which the SDK's samplers decide as this one has. */
  name(sampled: boolean): string;
}

const WORDS = 2 ** 32;

/**
 * A sampler by its name in OTEL_TRACES_SAMPLER. Of a trace that begins here it draws the decision
 * first, and then, if it is ever asked, an id to match: most traces are not kept, and need no name.
 */
export function createSampler(name: SamplerName, ratio: number, random: Random): Sampler {
  const rule = name.replace("parentbased_", "");
  const share = rule === "always_on" ? 1 : rule === "always_off" ? 0 : ratio;
  const shared = new TraceIdRatioBasedSampler(share);
  /** The SDK keeps an id if its four words, XORed, are below this (TraceIdRatioBasedSampler). */
  const bound = share === 1 ? WORDS : Math.floor(share * (WORDS - 1));

  return {
    decide(parent) {
      if (parent === undefined) return random() * WORDS < bound;
      if (name.startsWith("parentbased_")) return parent.sampled;
      const { decision } = shared.shouldSample(ROOT_CONTEXT, parent.traceId);
      return decision !== SamplingDecision.NOT_RECORD;
    },

    name(sampled) {
      // Rounded before it is added: a sum could be rounded up, to WORDS.
      const withTimeout = Math.floor(random() * (sampled ? bound : WORDS - bound));
      return newTraceId(random, sampled ? withTimeout : bound + withTimeout);
    },
  };
}
