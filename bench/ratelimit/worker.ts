/** One cached route four times: without a limit, with its fields only, with the reference API's fast limit, with a strict limit. */
import { Hono } from "hono";
import {
  cached,
  createStrata,
  FlightShard as Shard,
  type Bindings,
  type StrataEnv,
} from "../../src/index.ts";

/** The class of the Durable Object binding FLIGHTS. */
export const FlightShard = Shard;

function createApp(bindings: Bindings): Hono<StrataEnv> {
  const { middleware, rateLimits } = createStrata(bindings);
  const { rateLimit } = rateLimits;
  const app = new Hono<StrataEnv>();
  app.use(middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)));
  const limits = { name: "api", ip: "100/1m", user: "1000/1h" } as const;
  app.use("/fast", rateLimit({ ...limits, mode: "fast" }));
  app.use("/strict", rateLimit({ ...limits, name: "strict", mode: "strict" }));
  app.use("/fields", async (c, next) => {
    await next();
    const { headers } = c.res;
    headers.set("RateLimit-Policy", '"api-ip";q=100;w=60');
    headers.set("RateLimit", '"api-ip";r=99;t=60');
    headers.set("X-RateLimit-Limit", "100");
    headers.set("X-RateLimit-Remaining", "99");
    headers.set("X-RateLimit-Reset", "1795708800");
  });
  for (const path of ["/none", "/fields", "/fast", "/strict"])
    app.get(path, cached({ freshFor: "1h" }), (c) => c.json({ hello: "world" }));
  return app;
}

let app: Hono<StrataEnv> | undefined;

export default {
  fetch: (request, env, ctx) => (app ??= createApp(env)).fetch(request, env, ctx),
} satisfies ExportedHandler<Bindings>;
