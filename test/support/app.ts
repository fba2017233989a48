/** A small application on one test isolate, called through its HTTP interface. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { problem, type StrataEnv, type StrataOptions } from "../../src/index.ts";
import { createTestClock, type TestClock } from "./isolate.ts";
import { createTestLayer, type TestLayer } from "./layer.ts";

export interface TestApp {
  readonly app: Hono<StrataEnv>;
  readonly layer: TestLayer;
  readonly clock: TestClock;
  /** Sends a request, reads the body, and waits for deferred work. */
  get(path: string, headers?: Record<string, string>): Promise<TestAnswer>;
  send(request: Request): Promise<TestAnswer>;
  /** The URL that `get` asks for. */
  url(path: string): string;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export function createTestApp(
  namespace: string,
  routes: (app: Hono<StrataEnv>, layer: TestLayer) => void,
  options: StrataOptions = {},
): TestApp {
  const clock = createTestClock();
  const layer = createTestLayer({
    now: clock.now,
    bindings: { STRATA_NAMESPACE: namespace },
    options,
  });
  const app = createHonoApp(namespace, (hono) => {
    hono.use(layer.middleware(async (request, c) => hono.fetch(request, c.env, c.executionCtx)));
    routes(hono, layer);
  });
  return { ...app, layer, clock };
}

/** An application that `build` fills, called through its HTTP interface. */
export function createHonoApp(
  namespace: string,
  build: (app: Hono<StrataEnv>) => void,
): Pick<TestApp, "app" | "get" | "send" | "url"> {
  const app = new Hono<StrataEnv>();
  app.onError((error) =>
    problem({ status: 503, type: "unavailable", title: "Unavailable", detail: error.message }),
  );
  build(app);

  const url = (path: string): string => `http://${namespace}.test${path}`;

  async function send(request: Request): Promise<TestAnswer> {
    const execution = createExecutionContext();
    const response = await app.fetch(request, env, execution);
    const body = new TextDecoder().decode(await response.arrayBuffer());
    await waitOnExecutionContext(execution);
    return { status: response.status, headers: response.headers, body };
  }

  return {
    app,
    send,
    get: (path, headers = {}) => send(new Request(url(path), { headers })),
    url,
  };
}
