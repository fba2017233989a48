import type { Context } from "../core/context.ts";
import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import type { LogKey } from "../core/invalidation-key.ts";
import type { Announcements } from "../core/log-deferrals.ts";
import type { Millis } from "../core/time.ts";
import type { DeferralRpc } from "./region-log.ts";

export interface AnnouncementsPortOptions {
  /** Creates a stub for the object with this name, near the region. */
  readonly stub: (name: string, region: string) => DeferralRpc;
  readonly namespace: string;
  /** The regions whose log objects are told, beside the region of the request. */
  readonly regions: readonly string[];
  /** The longest wait for all log objects. */
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
}

/**
 * Implements `Announcements` with calls of the RegionLog objects. One announcement of this isolate
 * runs at a time. The log keys that come meanwhile share the next one, so that an outage of Redis
 * makes at most one call to each object in a round trip.
 */
export function createAnnouncementsPort(options: AnnouncementsPortOptions): Announcements {
  const { stub, namespace, regions, timeoutMs, withTimeout } = options;
  let running: Promise<void> | undefined;
  let next: { readonly logKeys: Set<LogKey>; readonly told: Promise<void> } | undefined;

  async function tell(region: string, logKeys: readonly LogKey[], ctx: Context): Promise<void> {
    const startedAt = ctx.now();
    let outcome = "ok";
    try {
      const name = `${namespace}-log-${region}`;
      await withTimeout(stub(name, region).defer(namespace, logKeys), timeoutMs);
    } catch (error) {
      outcome = isDeadlineExceeded(error) ? "log.timeout" : "log.unavailable";
    }
    const ms = ctx.now() - startedAt;
    ctx.emit({
      type: "durable.end",
      method: "RegionLog/defer",
      startedAt,
      ms,
      outcome,
      spanId: "",
    });
  }

  async function tellAll(logKeys: readonly LogKey[], ctx: Context): Promise<void> {
    const all = new Set([...regions, ctx.region]);
    await Promise.all([...all].map((region) => tell(region, logKeys, ctx)));
  }

  return {
    async announce(logKeys, ctx) {
      if (next !== undefined) {
        for (const logKey of logKeys) next.logKeys.add(logKey);
        return next.told;
      }
      const keys = new Set(logKeys);
      // The platform may end the invocation of the announcement that runs, so its wait has a limit too.
      const before = running && withTimeout(running, timeoutMs).catch(() => undefined);
      const told = (before ?? Promise.resolve()).then(() => {
        next = undefined;
        running = tellAll([...keys], ctx);
        return running;
      });
      next = { logKeys: keys, told };
      return told;
    },
  };
}
