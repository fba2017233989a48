/** The main module of this Worker: the reference API, which uses the layer. */
import { createIsolate, type Isolate } from "./api/isolate.ts";
import { UNREACHABLE_FOR_MS } from "./api/kinds.ts";
import { dashboardRoutes, type QueueFigures } from "./dashboard/routes.ts";
import { frontRoutes } from "./front/routes.ts";
import {
  AnswerObject as LayerAnswerObject,
  FlightShard as LayerFlightShard,
  MetricsShard as LayerMetricsShard,
  OutboxAlarm as LayerOutboxAlarm,
  RegionLog as LayerRegionLog,
  SlotGrants as LayerSlotGrants,
  TopicObject as LayerTopicObject,
  backgroundContext,
  ConfigError,
  problem,
  type Bindings,
  type Strata,
} from "./index.ts";

export class AnswerObject extends LayerAnswerObject {}
export class FlightShard extends LayerFlightShard {}
export class MetricsShard extends LayerMetricsShard {}
export class OutboxAlarm extends LayerOutboxAlarm {}
export class RegionLog extends LayerRegionLog {}
export class SlotGrants extends LayerSlotGrants {}
export class TopicObject extends LayerTopicObject {}

/** The longest pause of a message. With 100 attempts, messages wait for right variables for 8 hours. */
const MISCONFIGURED_RETRY_SECONDS = 300;

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
    await isolate.layer.jobs.scheduled(backgroundContext((work) => executionCtx.waitUntil(work)));
  },

  async queue(batch, env, executionCtx) {
    try {
      isolate ??= start(env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      // Without a pause, the attempts of the messages would be used up within minutes.
      batch.retryAll({ delaySeconds: MISCONFIGURED_RETRY_SECONDS });
      // oxlint-disable-next-line no-console -- the console is the platform's log
      console.error(error.message);
      return;
    }
    await isolate.layer.jobs.consume(
      batch,
      backgroundContext((work) => executionCtx.waitUntil(work)),
    );
  },
} satisfies ExportedHandler<Bindings>;

function start(env: Bindings): Isolate {
  const assets = env.ASSETS;
  return createIsolate(env, {
    createDashboard: ({ admin: { metrics }, jobs: { messages } }) =>
      assets &&
      ((guard) =>
        dashboardRoutes({
          assets,
          metrics,
          guard,
          unreachableForMs: UNREACHABLE_FOR_MS,
          queue: () => queueFigures(messages),
        })),
    front: assets && frontRoutes(assets),
  });
}

async function queueFigures(messages: Strata["jobs"]["messages"]): Promise<QueueFigures> {
  const [state, letters] = await Promise.all([messages.state(), messages.deadLetters.count()]);
  return { ...state, deadLetters: letters.waiting };
}

/** Returns a response that lists the wrong variables by name, without their values. */
function misconfigured(error: ConfigError): Response {
  return problem({
    status: 500,
    type: "misconfigured",
    title: "The Worker's variables are wrong",
    extensions: { problems: error.problems },
  });
}
