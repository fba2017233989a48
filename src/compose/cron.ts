import type { Config } from "../config.ts";
import type { Breaker } from "../core/breaker.ts";
import type { Context } from "../core/context.ts";
import type { SharedStore } from "../core/shared-store.ts";
import { createCron, type CronOptions, type RunnableCron } from "../cron/cron.ts";
import { layerTasks } from "../cron/layer-tasks.ts";
import type { ScheduledExistence } from "../engine/existence.ts";
import type { RedisClient } from "../redis/client.ts";
import { createLeaseStore } from "../redis/lease-store.ts";
import { readServerFigures } from "../redis/server-figures.ts";
import { withTimeout } from "../resilience/deadline.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { EventDelivery } from "../writes/event-delivery.ts";
import type { Writer } from "../writes/writer.ts";

export interface CronParts extends Pick<CronOptions, "newId" | "readerOf"> {
  readonly config: Config;
  readonly writer: Writer;
  readonly store: SharedStore;
  readonly existence: ScheduledExistence;
  readonly trimIds: (ctx: Context) => Promise<void>;
  readonly redis: RedisClient;
  /** The breaker of the cache's Redis. */
  readonly breaker: Breaker;
  /** Undefined without the binding `LIVE`. */
  readonly delivery: EventDelivery | undefined;
  readonly telemetry: Telemetry;
}

/** Builds the part that runs the tasks of the cron trigger. */
export function composeCron(parts: CronParts): RunnableCron {
  const { config, writer, store, existence, trimIds, delivery, telemetry } = parts;
  const { newId, readerOf, redis, breaker } = parts;
  const { reportRedis } = telemetry;
  const { keepForMs, trimSlackMs, maxKeys } = config.settings.log;
  return createCron({
    tasks: layerTasks({
      relay: writer.relay,
      trim: (ctx) => store.trim(keepForMs + trimSlackMs, maxKeys, ctx),
      trimIds,
      deliverWaiting: async (endsAt, ctx) =>
        delivery?.deliverWaiting(endsAt, ctx) ?? { hasMore: false },
      buildFilters: existence.buildFrom,
      reportRedis:
        reportRedis &&
        (async () => {
          const figures = await readServerFigures(redis, breaker);
          if (figures.ok) await reportRedis(figures.value);
          return figures;
        }),
    }),
    leases: createLeaseStore(redis, config.namespace, breaker),
    readerOf,
    newId,
    withTimeout,
    report: (end, ctx) => telemetry.observeTask(end, ctx.defer),
  });
}
