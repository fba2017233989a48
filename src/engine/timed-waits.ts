import { timeWait } from "../core/timed-step.ts";
import type { Coherence } from "./coherence.ts";

/**
 * Reports each wait for the log as a step of the request that waits. Several requests may wait for one
 * question to the log.
 */
export function withTimedWaits(coherence: Coherence): Coherence {
  const outcomeOf = (answer: unknown): string =>
    answer === "unreachable" ? (coherence.lastFailure()?.code ?? "redis.timeout") : "ok";
  return {
    ...coherence,
    async ensureCurrent(start, windowMs, ctx) {
      if (coherence.isCurrent(start, windowMs, ctx)) return "current";
      const wait = () => coherence.ensureCurrent(start, windowMs, ctx);
      return timeWait(ctx, "log", wait, outcomeOf);
    },
    verify: (entry, ctx) => timeWait(ctx, "log", () => coherence.verify(entry, ctx), outcomeOf),
  };
}
