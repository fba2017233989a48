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
} from "../../src/index.ts";

/** The class of the Durable Object binding FLIGHTS. */
export const FlightShard = Shard;

const PRODUCTS = 2_000;
const HOUR = { freshFor: "1h", jitter: 0 } as const;

const ROUTES: Readonly<Record<string, CachedOptions>> = {
  memory: { ...HOUR, tiers: ["memory"], flight: "isolate" },
  edge: { ...HOUR, tiers: ["memory", "edge"], flight: "isolate" },
  redis: { ...HOUR, tiers: ["memory", "redis"], flight: "isolate" },
  tiers: { ...HOUR, flight: "isolate" },
  all: HOUR,
  expiring: { ...HOUR, freshFor: "20s" },
  refreshed: { ...HOUR, freshFor: "20s", staleWhileRevalidate: "1h" },
};

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

function createApp(env: Bindings, query: Query): Hono<StrataEnv> {
  // A busy machine makes slow calls. With the defaults they open the breaker of Redis, and then a miss asks no Redis.
  const breaker = { failures: 1_000, failureRate: 1, slowRate: 1, slowRedis: "30s" } as const;
  const { middleware } = createStrata(env, { redis: { timeout: "10s" }, breaker });
  const app = new Hono<StrataEnv>();
  app.use(middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)));
  for (const [name, options] of Object.entries(ROUTES))
    app.get(`/${name}/:number`, cached(options), (c) => query(c.req.param("number")));
  return app;
}

let query: Query | undefined;
let app: Hono<StrataEnv> | undefined;

export default {
  fetch(request, env, ctx) {
    const [, bare] = /\/bare\/(\d+)$/.exec(request.url) ?? [];
    if (request.url.endsWith("/ready")) return new Response("ready");
    query ??= createQuery(env);
    if (bare !== undefined) return query(bare);
    app ??= createApp(env, query);
    return app.fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Bindings>;
