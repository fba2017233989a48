/**
 * Routes whose cost `scale` measures as TAGS (of an entry) and BYTES (of a body) grow: `/hit/<id>` is stored in memory,
 * `/miss/<id>` in memory and Redis, `/bare/<id>` nowhere. `/fill?from=0&count=10000` sends values through memory, and
 * `/reads?count=10000` reads values that are there, many times in one request.
 */
import { Hono } from "hono";
import {
  cached,
  createStrata,
  definePolicy,
  FlightShard as Shard,
  key,
  type Bindings,
  type CachedOptions,
  type StrataEnv,
} from "../../../src/index.ts";

/** The class of the Durable Object binding FLIGHTS. */
export const FlightShard = Shard;

interface Env extends Bindings {
  readonly TAGS: string;
  readonly BYTES: string;
}

/** The keys of `/reads`. */
const READ_KEYS = 1_000;

function createApp(env: Env): Hono<StrataEnv> {
  const strata = createStrata(env, { redis: { timeout: "10s" }, breaker: { slowRedis: "30s" } });
  const app = new Hono<StrataEnv>();
  const body = "x".repeat(Number(env.BYTES));
  const tagsOf = (id: number): readonly string[] =>
    Array.from({ length: Number(env.TAGS) }, (_, at) => `row:${id}:${at}`);
  const options: CachedOptions = {
    freshFor: "1h",
    jitter: 0,
    flight: "isolate",
    tags: (c) => tagsOf(Number(c.req.param("id"))),
  };
  const policy = definePolicy({
    freshFor: "1h",
    jitter: 0,
    tiers: ["memory"],
    flight: "isolate",
  });
  let loads = 0;
  const read = (cache: ReturnType<typeof strata.open>, id: number) =>
    cache.read(key("row", id), policy, async ({ tag }) => {
      loads++;
      tag(...tagsOf(id));
      return body;
    });

  app.get("/bare/:id", (c) => c.text(body));
  app.use(strata.middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)));
  app.get("/hit/:id", cached({ ...options, tiers: ["memory"] }), (c) => c.text(body));
  app.get("/miss/:id", cached({ ...options, tiers: ["memory", "redis"] }), (c) => c.text(body));
  app.get("/fill", async (c) => {
    const cache = strata.open(c.executionCtx);
    const from = Number(c.req.query("from"));
    for (let id = from; id < from + Number(c.req.query("count")); id++) await read(cache, id);
    return c.text(`${loads} loads`);
  });
  app.get("/reads", async (c) => {
    const cache = strata.open(c.executionCtx);
    const before = loads;
    for (let at = 0; at < Number(c.req.query("count")); at++) await read(cache, at % READ_KEYS);
    return c.text(
      `${loads - before} loads`,
      loads === before || c.req.query("fill") === "1" ? 200 : 500,
    );
  });
  return app;
}

let app: Hono<StrataEnv> | undefined;

export default {
  fetch: (request, env, ctx) => (app ??= createApp(env)).fetch(request, env, ctx),
} satisfies ExportedHandler<Env>;
