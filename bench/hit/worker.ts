/**
 * The subjects of `hit` that are no cache of this project, and `cached()`: each answers the same product
 * with the same fields. The bench reads body and fields from an answer of the reference API.
 */
import { MemoryStore } from "@unkey/cache/stores";
import { Namespace } from "@unkey/cache";
import { Hono, type Context, type MiddlewareHandler } from "hono";
import { cache } from "hono/cache";
import { LRUCache } from "lru-cache";
import {
  cached,
  createStrata,
  FlightShard as Shard,
  type Bindings,
  type StrataEnv,
} from "../../src/index.ts";

/** The class of the Durable Object binding FLIGHTS. */
export const FlightShard = Shard;

interface Env extends Bindings {
  readonly BODY: string;
  /** The fields of the answer, as JSON: names and values. */
  readonly FIELDS: string;
}

const HOUR_MS = 3_600_000;

const pass: MiddlewareHandler = async (_c, next) => {
  await next();
};

function createPeers({ BODY, FIELDS }: Env): Hono {
  const app = new Hono();
  const product: unknown = JSON.parse(BODY);
  const fields = JSON.parse(FIELDS) as Record<string, string>;
  const prepared = new Headers(fields);
  const answer = (c: Context, text: string): Response => c.body(text, 200, fields);

  app.get("/bare", (c) => c.json(product));
  app.get("/fields", (c) => c.json(product, 200, fields));
  // The least that a cache costs that is a middleware: the scope of the request, and the route's own.
  app.get("/behind", pass, pass, (c) => c.json(product, 200, fields));
  app.get("/prepared", () => new Response(BODY, { headers: prepared }));

  const lru = new LRUCache<string, string>({ max: 1_000 });
  app.get("/lru/:id", (c) => {
    const key = c.req.param("id");
    const found = lru.get(key);
    if (found !== undefined) return answer(c, found);
    lru.set(key, BODY);
    return answer(c, BODY);
  });

  const stores = [new MemoryStore({ persistentMap: new Map() })];
  app.get("/unkey/:id", async (c) => {
    const namespace = new Namespace<string>(c.executionCtx, {
      stores,
      fresh: HOUR_MS,
      stale: HOUR_MS,
    });
    const { val } = await namespace.swr("product", c.req.param("id"), () => Promise.resolve(BODY));
    return answer(c, val ?? "");
  });

  app.get("/hono-cache/:id", cache({ cacheName: "bench", cacheControl: "max-age=3600" }), (c) => {
    const { "cache-control": _, ...others } = fields;
    return c.json(product, 200, others);
  });
  return app;
}

function createCached(env: Env): Hono<StrataEnv> {
  const { middleware } = createStrata(env);
  const app = new Hono<StrataEnv>();
  const product: unknown = JSON.parse(env.BODY);
  app.use(middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)));
  app.get("/cached/:id", cached({ freshFor: "1h" }), (c) => c.json(product));
  app.get("/edge/:id", cached({ freshFor: "1h", tiers: ["edge"] }), (c) => c.json(product));
  return app;
}

/** The leanest handler of the Cache API has no framework. */
async function match(request: Request, env: Env): Promise<Response> {
  const found = await caches.default.match(request);
  if (found !== undefined) return found;
  const headers = { ...(JSON.parse(env.FIELDS) as object), "cache-control": "max-age=3600" };
  await caches.default.put(request, new Response(env.BODY, { headers }));
  return new Response(env.BODY, { headers });
}

let peers: Hono | undefined;
let strata: Hono<StrataEnv> | undefined;

export default {
  fetch(request, env, ctx) {
    const { url } = request;
    if (url.endsWith("/match")) return match(request, env);
    if (/\/(?:cached|edge)\//.test(url))
      return (strata ??= createCached(env)).fetch(request, env, ctx);
    return (peers ??= createPeers(env)).fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
