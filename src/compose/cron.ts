import type { Config } from "../config.ts";
import type { Context } from "../core/context.ts";
import type { SharedStore } from "../core/shared-store.ts";
import { createCron, type CronOptions, type RunnableCron } from "../cron/cron.ts";
import { layerTasks } from "../cron/layer-tasks.ts";
import type { ScheduledExistence } from "../engine/existence.ts";
import { createReader, type ReaderOptions } from "../engine/reader.ts";
import { etagOf } from "../http/cache/etag.ts";
import { withTimeout } from "../resilience/deadline.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { EventDelivery } from "../writes/event-delivery.ts";
import type { Writer } from "../writes/writer.ts";

export interface CronParts
  extends
    Pick<CronOptions, "leases" | "newId">,
    Pick<ReaderOptions, "engine" | "batch" | "warmer" | "loads"> {
  readonly config: Config;
  readonly writer: Writer;
  readonly store: SharedStore;
  readonly existence: ScheduledExistence;
  readonly trimIds: (ctx: Context) => Promise<void>;
  /** Undefined without the binding `LIVE`. */
  readonly delivery: EventDelivery | undefined;
  readonly telemetry: Telemetry;
}

/** Builds the part that runs the tasks of the cron trigger. */
export function composeCron(parts: CronParts): RunnableCron {
  const { config, writer, store, existence, trimIds, delivery, telemetry, leases, newId } = parts;
  const { engine, batch, warmer, loads } = parts;
  const { keepForMs, trimSlackMs, maxKeys } = config.settings.log;
  const readerParts = { engine, batch, warmer, loads, etagOf, onLookup: () => undefined };
  return createCron({
    tasks: layerTasks({
      relay: writer.relay,
      trim: (ctx) => store.trim(keepForMs + trimSlackMs, maxKeys, ctx),
      trimIds,
      deliverWaiting: async (endsAt, ctx) =>
        delivery?.deliverWaiting(endsAt, ctx) ?? { hasMore: false },
      buildFilters: existence.buildFrom,
    }),
    leases,
    readerOf: (ctx: Context) => createReader(readerParts, ctx),
    newId,
    withTimeout,
    report: (end, ctx) => telemetry.observeTask(end, ctx.defer),
  });
}
