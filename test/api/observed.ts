/** The reference application in an isolate whose telemetry goes to the local collector. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createApp } from "../../src/api/app.ts";
import { createTestClock, uniqueNamespace, type TestClock } from "../support/isolate.ts";
import { createTestLayer, type TestLayer } from "../support/layer.ts";
import { endpoint } from "../telemetry/collector.ts";

/** The token `admin`, as the test environment configures it. */
export const TOKEN = env.ADMIN_TOKEN;

export interface ObservedApi {
  readonly layer: TestLayer;
  readonly clock: TestClock;
  /** The name of the service, by which the collector's exports are found. */
  readonly service: string;
  /** The random draws of the layer; a test replaces `next` to decide about samples. */
  readonly random: { next: () => number };
  /** Sends a request, reads its body, and waits for its background work, exports included. */
  send(path: string, init?: RequestInit & { readonly ip?: string }): Promise<Response>;
  /** Sends a request with a bearer token. */
  ask(token: string, path: string, init?: AskInit): Promise<Response>;
  /** Sends such requests one after the other, and waits for their background work at the end. */
  askInTurn(requests: readonly (readonly [string, string, AskInit])[]): Promise<void>;
}

export interface AskInit {
  readonly method?: string;
  readonly ip?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Creates the application as it runs in production, with telemetry that the variables configure further. */
export function createObservedApi(
  variables: Readonly<Record<string, string>> = {},
  namespace = uniqueNamespace(),
): ObservedApi {
  const service = `api-${uniqueNamespace()}`;
  const clock = createTestClock();
  const random = { next: Math.random };
  const layer = createTestLayer({
    now: clock.now,
    random: () => random.next(),
    bindings: {
      STRATA_NAMESPACE: namespace,
      STRATA_DEV: "",
      STRATA_LOG: "off",
      OTEL_SDK_DISABLED: "",
      OTEL_SERVICE_NAME: service,
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint(),
      ...variables,
    },
    // A test waits for the last flush after each request.
    options: { telemetry: { flushEvery: "20ms" } },
  });
  const app = createApp({
    ...layer,
    scope: layer.middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)),
    assets: undefined,
    dashboard: undefined,
    front: undefined,
    runDry: () => Promise.reject(new Error("no dry runs here")),
  });

  async function start(
    path: string,
    { ip, ...init }: RequestInit & { readonly ip?: string },
    execution: ExecutionContext,
  ): Promise<Response> {
    const request = new Request(`http://strata.test${path}`, init);
    if (ip !== undefined) request.headers.set("CF-Connecting-IP", ip);
    const response = await app.fetch(request, env, execution);
    const body = await response.arrayBuffer();
    return new Response([101, 204, 304].includes(response.status) ? null : body, response);
  }

  async function send(
    path: string,
    init: RequestInit & { readonly ip?: string } = {},
  ): Promise<Response> {
    const execution = createExecutionContext();
    const response = await start(path, init, execution);
    await waitOnExecutionContext(execution);
    return response;
  }

  const withToken = (token: string, { method = "GET", ip, body, headers = {} }: AskInit) => ({
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(ip !== undefined && { ip }),
  });

  return {
    layer,
    clock,
    service,
    random,
    send,
    ask: (token, path, init = {}) => send(path, withToken(token, init)),
    async askInTurn(requests) {
      const execution = createExecutionContext();
      for (const [token, path, init] of requests)
        await start(path, withToken(token, init), execution);
      await waitOnExecutionContext(execution);
    },
  };
}
