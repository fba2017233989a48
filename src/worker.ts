/** The main module of this Worker: the reference API, which uses the layer. */
import { createIsolate, type Isolate } from "./api/isolate.ts";
import { dashboardRoutes } from "./dashboard/routes.ts";
import { backgroundContext, ConfigError, problem, type Bindings, type Strata } from "./index.ts";
import {
  AnswerObject as LayerAnswerObject,
  FlightShard as LayerFlightShard,
  MetricsShard as LayerMetricsShard,
  OutboxAlarm as LayerOutboxAlarm,
  RegionLog as LayerRegionLog,
  SlotGrants as LayerSlotGrants,
  TopicObject as LayerTopicObject,
} from "./durable-objects.ts";

export class AnswerObject extends LayerAnswerObject {}
export class FlightShard extends LayerFlightShard {}
export class MetricsShard extends LayerMetricsShard {}
export class OutboxAlarm extends LayerOutboxAlarm {}
export class RegionLog extends LayerRegionLog {}
export class SlotGrants extends LayerSlotGrants {}
export class TopicObject extends LayerTopicObject {}

/** Created at the first request, because workerd has no clock and no randomness while it loads modules. */
let isolate: Isolate | undefined;

export default {
  fetch(request, env, executionCtx) {
    try {
      isolate ??= start(env);
    } catch (error) {
      if (error instanceof ConfigError) return misconfigured(error);
      throw error;
    }
    return isolate.app.fetch(request, env, executionCtx);
  },

  async scheduled(_controller, env, executionCtx) {
    isolate ??= start(env);
    await isolate.layer.scheduled(backgroundContext((work) => executionCtx.waitUntil(work)));
  },

  async queue(batch, env, executionCtx) {
    isolate ??= start(env);
    await isolate.layer.consume(
      batch,
      backgroundContext((work) => executionCtx.waitUntil(work)),
    );
  },
} satisfies ExportedHandler<Bindings>;

function start(env: Bindings): Isolate {
  const assets = env.ASSETS;
  const dashboard = ({ metrics }: Strata) =>
    assets && ((guard: Guard) => dashboardRoutes({ assets, metrics, guard }));
  return createIsolate(env, dashboard);
}

type Guard = Parameters<typeof dashboardRoutes>[0]["guard"];

/** Returns a response that lists the wrong variables by name, without their values. */
function misconfigured(error: ConfigError): Response {
  return problem({
    status: 500,
    type: "misconfigured",
    title: "The Worker's variables are wrong",
    extensions: { problems: error.problems },
  });
}
