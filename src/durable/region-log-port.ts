import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import { answerOf, type SharedLog } from "../core/log-share.ts";
import type { RegionLog } from "../core/log-shares.ts";
import type { RegionLogRpc } from "./region-log.ts";

export interface RegionLogPortOptions {
  /**
   * Creates a stub for the object with this name, near the region. Each call creates a new stub,
   * because a stub cannot be used again after an error.
   */
  readonly stub: (name: string, region: string) => RegionLogRpc;
  readonly namespace: string;
  readonly withTimeout: WithTimeout;
}

/** Implements `RegionLog` with calls of the RegionLog object of the request's region. */
export function createRegionLogPort(options: RegionLogPortOptions): RegionLog {
  const { stub, namespace, withTimeout } = options;
  return {
    async ask(since, timeoutMs, ctx) {
      const startedAt = ctx.now();
      let outcome = "ok";
      let shared: SharedLog | undefined;
      try {
        const object = stub(`${namespace}-log-${ctx.region}`, ctx.region);
        shared = await withTimeout(object.ask(namespace, since), timeoutMs);
      } catch (error) {
        outcome = isDeadlineExceeded(error) ? "log.timeout" : "log.unavailable";
      }
      const ms = ctx.now() - startedAt;
      ctx.emit({
        type: "durable.end",
        method: "RegionLog/ask",
        startedAt,
        ms,
        outcome,
        spanId: "",
      });
      return shared && answerOf(shared, startedAt);
    },
  };
}
