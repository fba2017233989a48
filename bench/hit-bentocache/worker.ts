/**
 * The subject of `hit` whose cache is bentocache. It has a Worker of its own, because bentocache loads modules of Node
 * that the other subjects do not need.
 */
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { Hono } from "hono";

interface Env {
  readonly BODY: string;
  /** The fields of the answer, as JSON: names and values. */
  readonly FIELDS: string;
}

const HOUR_MS = 3_600_000;

function createApp({ BODY, FIELDS }: Env): Hono {
  const app = new Hono();
  const fields = JSON.parse(FIELDS) as Record<string, string>;
  const cache = new BentoCache({
    default: "memory",
    // A text cannot be changed by its reader, so it needs no serializer.
    stores: {
      memory: bentostore().useL1Layer(memoryDriver({ maxItems: 1_000, serialize: false })),
    },
  });
  app.get("/bentocache/:id", async (c) => {
    const text = await cache.getOrSet({
      key: c.req.param("id"),
      ttl: HOUR_MS,
      factory: () => Promise.resolve(BODY),
    });
    return c.body(text, 200, fields);
  });
  return app;
}

let app: Hono | undefined;

export default {
  fetch: (request, env, ctx) => (app ??= createApp(env)).fetch(request, env, ctx),
} satisfies ExportedHandler<Env>;
