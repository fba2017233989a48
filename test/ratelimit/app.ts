/**
 * Small applications with limits, over the ledger in Redis or in Durable Objects. Applications with one
 * namespace act as isolates of one Worker.
 */
import type { Bindings, StrataEnv, StrataOptions } from "../../src/index.ts";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Hono, type MiddlewareHandler } from "hono";
import { inject } from "vitest";
import type { Duration } from "../../src/core/duration.ts";
import { createDataLayer } from "../../src/compose/data-layer.ts";
import { durableLedger } from "../../src/entries/durable.ts";
import { redisLedger } from "../../src/entries/redis.ts";
import type { LedgerSource } from "../../src/entries/hono.ts";
import { middleware, rateLimits as dataRateLimits } from "../../src/entries/hono.ts";
import { problem, type RateLimits } from "../../src/index.ts";
import { keepAlive } from "../../src/keep-alive.ts";
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

type Routes = (
  app: Hono<StrataEnv>,
  rateLimit: RateLimits<StrataEnv>["rateLimit"],
  rateLimits: RateLimits<StrataEnv>,
) => void;

interface LimitedLayer {
  readonly rateLimits: RateLimits<StrataEnv>;
  readonly scope: MiddlewareHandler<StrataEnv>;
}

type LimitedBindings = Partial<Bindings> & { readonly LEDGER?: DurableObjectNamespace };

interface LayerParts {
  readonly app: Hono<StrataEnv>;
  readonly clock: TestClock;
  readonly namespace: string;
  readonly bindings: LimitedBindings;
}

type CreateLayer = (parts: LayerParts) => LimitedLayer;

const inRedis =
  (options: StrataOptions): CreateLayer =>
  ({ app, clock, namespace, bindings }) => {
    const layer = createTestLayer({
      now: clock.now,
      bindings: { STRATA_NAMESPACE: namespace, ...bindings },
      options,
    });
    const scope = layer.middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx));
    return { rateLimits: layer.rateLimits, scope };
  };

/** The data cache without a shared store, and a ledger of its own. A busy machine does not end the waits. */
const withLedger =
  (openLedger: (bindings: LimitedBindings) => LedgerSource): CreateLayer =>
  ({ app, clock, namespace, bindings }) => {
    const all = { ...env, ...bindings };
    const { CLIENT_ADDRESS_HEADER, API_KEYS, STRATA_DEV } = all;
    const strata = createDataLayer(
      { namespace },
      {
        now: clock.now,
        random: () => 0,
        newId: () => crypto.randomUUID(),
        sleep: clock.sleep,
      },
      keepAlive,
    );
    const rateLimits = dataRateLimits(strata, {
      ledger: openLedger(all),
      ...(CLIENT_ADDRESS_HEADER && { addressHeader: CLIENT_ADDRESS_HEADER }),
      ...(API_KEYS && { apiKeys: API_KEYS }),
      development: STRATA_DEV === "1",
    });
    return { rateLimits, scope: middleware(strata, app) };
  };

const inObjects = (shards: number, timeout: Duration = "10s") =>
  withLedger(({ LEDGER }) => durableLedger(LEDGER, { shards, timeout }));

const inRedisAlone = (timeout: Duration = "10s") =>
  withLedger(({ UPSTASH_REDIS_REST_URL: url = "", UPSTASH_REDIS_REST_TOKEN: token = "" }) =>
    redisLedger({ url, token, timeout }),
  );

/** Creates an application with limits. */
export type CreateLimitedApp = (
  namespace: string,
  routes: Routes,
  bindings?: LimitedBindings,
) => LimitedApp;

const createApp =
  (createLayer: CreateLayer): CreateLimitedApp =>
  (namespace, routes, bindings = {}) =>
    createAppOf(createLayer, namespace, routes, bindings);

const ALL_LEDGERS: readonly (readonly [name: string, create: CreateLimitedApp])[] = [
  // A busy machine does not end the waits.
  ["Redis", createApp(inRedis({ limits: { timeout: "10s" } }))],
  ["Redis without the whole layer", createApp(inRedisAlone())],
  ["a Durable Object", createApp(inObjects(1))],
  ["three Durable Objects", createApp(inObjects(3))],
];

/** On a real Redis server, the tests run with the ledgers in Redis: the others need no Redis, and run beside the embedded one. */
export const LEDGERS = inject("realRedis") ? ALL_LEDGERS.slice(0, 2) : ALL_LEDGERS;

/** Creates applications with their ledger in Durable Objects that answer within `timeout` or not at all. */
export const createImpatientApp = createApp(inObjects(1, "100ms"));
/** The same with two objects. */
export const createImpatientPair = createApp(inObjects(2, "100ms"));

/** Creates applications with their ledger in Redis, without the whole layer, that answers within `timeout` or not at all. */
export const createRedisAloneApp = (timeout: Duration): CreateLimitedApp =>
  createApp(inRedisAlone(timeout));

/** An application with its ledger in Redis. */
export function createLimitedApp(
  namespace: string,
  routes: Routes,
  bindings: Partial<Bindings> = {},
  options: StrataOptions = {},
): LimitedApp {
  return createAppOf(inRedis(options), namespace, routes, bindings);
}

function createAppOf(
  createLayer: CreateLayer,
  namespace: string,
  routes: Routes,
  bindings: LimitedBindings,
): LimitedApp {
  const clock = createTestClock();
  const app = new Hono<StrataEnv>();
  const { rateLimits, scope } = createLayer({ app, clock, namespace, bindings });
  app.use(scope);
  app.onError((error) =>
    problem({ status: 500, type: "internal", title: "Internal", detail: error.message }),
  );
  routes(app, rateLimits.rateLimit, rateLimits);

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
