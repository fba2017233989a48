/** Compares a load generator's count with /metrics, over several isolates and evicted metrics objects. */
import {
  createExecutionContext,
  evictDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { cached } from "../../src/index.ts";
import { createTelemetryApp, newNamespace } from "./support.ts";

const REQUESTS = 100_000;
const ISOLATES = 5;
const BATCH = 5_000;

it(
  `/metrics counts ${REQUESTS} requests over ${ISOLATES} isolates exactly, even if the metrics Durable Objects are evicted`,
  { timeout: 240_000 },
  async () => {
    const namespace = newNamespace();
    const isolates = Array.from({ length: ISOLATES }, () =>
      createTelemetryApp(
        namespace,
        (app) =>
          app.get("/things/:id", cached({ freshFor: "1h" }), (c) =>
            c.req.param("id") === "13" ? c.text("no", 404) : c.text("yes"),
          ),
        { OTEL_TRACES_SAMPLER: "always_off", STRATA_TRACE_SLOW_MS: "0" },
      ),
    );
    const objects = (env as unknown as { METRICS: DurableObjectNamespace }).METRICS;
    const counted = { 200: 0, 404: 0 };

    for (let done = 0; done < REQUESTS; done += BATCH) {
      const execution = createExecutionContext();
      for (let i = 0; i < BATCH; i++) {
        const isolate = isolates[i % ISOLATES];
        const id = i % 20;
        const request = new Request(`http://${namespace}.test/things/${id}`);
        const response = await isolate?.app.fetch(request, env, execution);
        counted[response?.status === 404 ? 404 : 200]++;
      }
      // Some reports are under way when their object is evicted.
      await isolates[0]?.layer.metrics.snapshot();
      for (let shard = 0; shard < 4; shard++)
        await evictDurableObject(objects.get(objects.idFromName(`${namespace}-metrics-${shard}`)));
      await waitOnExecutionContext(execution);
    }
    // The next request of an isolate sends an unanswered report again.
    for (const { get } of isolates) {
      await get("/things/1");
      counted[200]++;
    }

    const sample = (status: number) =>
      `http_server_request_duration_seconds_count{http_request_method="GET",http_route="/things/:id",http_response_status_code="${status}",url_scheme="http"}`;
    expect({
      200: await isolates[0]?.metric(sample(200)),
      404: await isolates[0]?.metric(sample(404)),
    }).toEqual(counted);
  },
);
