/**
 * A route that asks SQL for a product, without a cache and through `cached()` with different tiers and scopes of a
 * flight: `GET /<name>/<number>`. Each number is a key of its own, and chooses one of 2,000 products.
 */
import { neon, neonConfig } from "@neondatabase/serverless";
import { Hono } from "hono";
import {
  cached,
  createStrata,
  FlightShard as Shard,
  type Bindings,
  type CachedOptions,
  type StrataEnv,
  type StrataOptions,
} from "../../src/index.ts";

/** The class of the Durable Object binding FLIGHTS. */
export const FlightShard = Shard;

const PRODUCTS = 2_000;

interface Env extends Bindings {
  /** If set, no deadline ends a wait, so that a busy machine changes no count. Default: the defaults of the layer. */
  readonly PATIENT?: string;
}

const PATIENT: StrataOptions = {
  redis: { timeout: "30s" },
  origin: { slotWait: "30s", sqlTimeout: "30s" },
  flights: { grantTimeout: "30s", slack: "30s" },
  // Slow calls open the breaker of Redis, and then a miss asks no Redis.
  breaker: { failures: 1_000, failureRate: 1, slowRate: 1, slowRedis: "30s" },
};

function routesOf({ PATIENT: patient }: Env): Readonly<Record<string, CachedOptions>> {
  const base: CachedOptions = {
    freshFor: "1h",
    jitter: 0,
    ...(patient !== undefined && { originTimeout: "60s" }),
  };
  return {
    memory: { ...base, tiers: ["memory"], flight: "isolate" },
    edge: { ...base, tiers: ["memory", "edge"], flight: "isolate" },
    redis: { ...base, tiers: ["memory", "redis"], flight: "isolate" },
    tiers: { ...base, flight: "isolate" },
    all: base,
    expiring: { ...base, freshFor: "20s" },
    refreshed: { ...base, freshFor: "20s", staleWhileRevalidate: "1h" },
  };
}

type Query = (number: string) => Promise<Response>;

function createQuery(env: Bindings): Query {
  neonConfig.fetchEndpoint = env.NEON_ENDPOINT ?? "";
  const sql = neon(env.DATABASE_URL ?? "");
  return async (number) => {
    const id = (Number(number) % PRODUCTS) + 1;
    const [row] = await sql`select * from products where id = ${id}`;
    return Response.json(row);
  };
}

function createApp(env: Env, query: Query): Hono<StrataEnv> {
  const { middleware } = createStrata(env, env.PATIENT === undefined ? {} : PATIENT);
  const app = new Hono<StrataEnv>();
  app.use(middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)));
  for (const [name, options] of Object.entries(routesOf(env)))
    app.get(`/${name}/:number`, cached(options), (c) => query(c.req.param("number")));
  return app;
}

let query: Query | undefined;
let app: Hono<StrataEnv> | undefined;

export default {
  fetch(request, env, ctx) {
    const [, bare] = /\/bare\/(\d+)$/.exec(request.url) ?? [];
    if (request.url.endsWith("/text")) return new Response("text");
    query ??= createQuery(env);
    if (bare !== undefined) return query(bare);
    app ??= createApp(env, query);
    return app.fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
