/** Creates isolates with telemetry on, for tests. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Hono } from "hono";
import type { StrataEnv, StrataOptions } from "../../src/index.ts";
import { createTestClock, type TestClock } from "../support/isolate.ts";
import { createTestLayer, type TestLayer } from "../support/layer.ts";

export interface TelemetryApp {
  readonly app: Hono<StrataEnv>;
  readonly layer: TestLayer;
  readonly clock: TestClock;
  /** Sends a request, reads the body, and waits for the background work, exports included. */
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** The value of one sample of /metrics; 0 if it is missing. */
  metric(sample: string): Promise<number>;
}

/** Flushes forty times as often as the default: a test waits for the last flush after each request. */
const QUICK_FLUSH: StrataOptions = { telemetry: { flushEvery: "50ms" } };

export function createTelemetryApp(
  namespace: string,
  routes: (app: Hono<StrataEnv>, layer: TestLayer) => void,
  variables: Readonly<Record<string, string>> = {},
  options: StrataOptions = QUICK_FLUSH,
): TelemetryApp {
  const clock = createTestClock();
  const layer = createTestLayer({
    now: clock.now,
    random: Math.random,
    bindings: {
      STRATA_NAMESPACE: namespace,
      OTEL_SDK_DISABLED: "",
      STRATA_LOG: "off",
      ...variables,
    },
    options,
  });
  const app = new Hono<StrataEnv>();
  app.use(layer.middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)));
  routes(app, layer);

  return {
    app,
    layer,
    clock,
    async get(path, headers = {}) {
      const execution = createExecutionContext();
      const request = new Request(`http://${namespace}.test${path}`, { headers });
      const response = await app.fetch(request, env, execution);
      const copy = new Response(await response.text(), response);
      await waitOnExecutionContext(execution);
      return copy;
    },
    async metric(sample) {
      const exposition = await layer.metrics.exposition();
      const line = exposition?.body.split("\n").find((text) => text.startsWith(`${sample} `));
      return line === undefined ? 0 : Number(line.slice(sample.length + 1));
    },
  };
}

let count = 0;
/** Makes a namespace that no other test uses. */
export function newNamespace(): string {
  count += 1;
  return `telemetry-${crypto.randomUUID().slice(0, 8)}-${count}`;
}
