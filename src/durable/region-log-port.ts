import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import { answerOf, type SharedLog } from "../core/log-share.ts";
import type { RegionLog } from "../core/log-shares.ts";
import type { LogSessionRpc } from "./log-session.ts";
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

/** Implements `RegionLog` with sessions of the RegionLog object of the request's region. */
export function createRegionLogPort(options: RegionLogPortOptions): RegionLog {
  const { stub, namespace, withTimeout } = options;

  return {
    open(ctx) {
      let session: LogSessionRpc | undefined;
      // The call is not awaited: the first question travels with it.
      const opened = (): LogSessionRpc =>
        (session ??= stub(`${namespace}-log-${ctx.region}`, ctx.region).open(namespace));

      return {
        async ask(since, timeoutMs) {
          const startedAt = ctx.now();
          let outcome = "ok";
          let shared: SharedLog | undefined;
          try {
            shared = await withTimeout(opened().ask(since), timeoutMs);
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
        close: () => session?.[Symbol.dispose]?.(),
      };
    },
  };
}
