import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import { answerOf } from "../core/log-share.ts";
import type { Context } from "../core/context.ts";
import type { RegionLog } from "../core/log-shares.ts";
import type { Millis } from "../core/time.ts";
import type { LogSessionRpc } from "./log-session.ts";
import type { RegionLogRpc } from "./region-log.ts";

/** The longest wait for deferred invalidations. A read may wait for them, beside its question to Redis. */
const DEFERRED_TIMEOUT_MS: Millis = 150;

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
  const stubOf = (ctx: Context): RegionLogRpc => stub(`${namespace}-log-${ctx.region}`, ctx.region);

  async function call<T>(
    method: "ask" | "deferred",
    send: () => Promise<T>,
    timeoutMs: Millis,
    ctx: Context,
  ): Promise<T | undefined> {
    const startedAt = ctx.now();
    let outcome = "ok";
    let answer: T | undefined;
    try {
      answer = await withTimeout(send(), timeoutMs);
    } catch (error) {
      outcome = isDeadlineExceeded(error) ? "log.timeout" : "log.unavailable";
    }
    const ms = ctx.now() - startedAt;
    const name = `RegionLog/${method}`;
    ctx.emit({ type: "durable.end", method: name, startedAt, ms, outcome, spanId: "" });
    return answer;
  }

  return {
    open(ctx) {
      let session: LogSessionRpc | undefined;
      // The call is not awaited: the first question travels with it.
      const opened = (): LogSessionRpc => (session ??= stubOf(ctx).open(namespace));

      return {
        async ask(since, timeoutMs) {
          const startedAt = ctx.now();
          const shared = await call("ask", () => opened().ask(since), timeoutMs, ctx);
          return shared && answerOf(shared, startedAt);
        },
        close: () => session?.[Symbol.dispose]?.(),
      };
    },

    deferred: (ctx) =>
      call("deferred", () => stubOf(ctx).deferred(namespace), DEFERRED_TIMEOUT_MS, ctx),
  };
}
