import { createIsolate, type Isolate } from "./api/isolate.ts";
import { backgroundContext } from "./compose.ts";
import { ConfigError, type Bindings } from "./config.ts";
import { dashboardRoutes } from "./dashboard/routes.ts";
import { problem, type Strata } from "./index.ts";
import {
  FlightShard as LayerFlightShard,
  MetricsShard as LayerMetricsShard,
  OutboxAlarm as LayerOutboxAlarm,
} from "./durable-objects.ts";

export class FlightShard extends LayerFlightShard {}
export class MetricsShard extends LayerMetricsShard {}
export class OutboxAlarm extends LayerOutboxAlarm {}

/** Built by the isolate's first request: at module scope the platform has no clock yet. */
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
} satisfies ExportedHandler<Bindings>;

function start(env: Bindings): Isolate {
  const assets = env.ASSETS;
  const dashboard = ({ metrics }: Strata) =>
    assets && ((guard: Guard) => dashboardRoutes({ assets, metrics, guard }));
  return createIsolate(env, undefined, dashboard);
}

type Guard = Parameters<typeof dashboardRoutes>[0]["guard"];

/** Names what is wrong, and no value: whoever deployed it can mend it from here. */
function misconfigured(error: ConfigError): Response {
  return problem({
    status: 500,
    type: "misconfigured",
    title: "The Worker's variables are wrong",
    extensions: { problems: error.problems },
  });
}
