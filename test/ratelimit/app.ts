/** Small applications with limits. Applications with one namespace act as isolates of one Worker. */
import type { Bindings, StrataEnv, StrataOptions } from "../../src/index.ts";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { problem, type RateLimits } from "../../src/index.ts";
import { createTestClock, type TestClock } from "../support/isolate.ts";
import { createTestLayer } from "../support/layer.ts";

export interface LimitedApp {
  readonly rateLimits: RateLimits<StrataEnv>;
  readonly clock: TestClock;
  /** Sends a request from an address, and waits for the work that it deferred. */
  get(path: string, options?: AskOptions): Promise<Answer>;
  /** Sends the same request `times` times at once. */
  storm(times: number, path: string, options?: AskOptions): Promise<readonly Answer[]>;
}

export interface AskOptions {
  readonly ip?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

type Routes = (app: Hono<StrataEnv>, rateLimit: RateLimits<StrataEnv>["rateLimit"]) => void;

export function createLimitedApp(
  namespace: string,
  routes: Routes,
  bindings: Partial<Bindings> = {},
  options: StrataOptions = {},
): LimitedApp {
  const clock = createTestClock();
  const layer = createTestLayer({
    now: clock.now,
    bindings: { STRATA_NAMESPACE: namespace, ...bindings },
    options,
  });
  const { rateLimits } = layer;
  const app = new Hono<StrataEnv>();
  app.use(layer.middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)));
  app.onError((error) =>
    problem({ status: 500, type: "internal", title: "Internal", detail: error.message }),
  );
  routes(app, rateLimits.rateLimit);

  async function get(
    path: string,
    { ip, method = "GET", headers }: AskOptions = {},
  ): Promise<Answer> {
    const execution = createExecutionContext();
    const request = new Request(`http://${namespace}.test${path}`, {
      method,
      headers: { ...(ip !== undefined && { "CF-Connecting-IP": ip }), ...headers },
    });
    const response = await app.fetch(request, env, execution);
    const body = await response.text();
    await waitOnExecutionContext(execution);
    return { status: response.status, headers: response.headers, body };
  }

  return {
    rateLimits,
    clock,
    get,
    storm: (times, path, options) =>
      Promise.all(Array.from({ length: times }, () => get(path, options))),
  };
}

/** The number of answers with each status. */
export function statuses(answers: readonly Answer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
