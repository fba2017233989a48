import { Hono } from "hono";
import { etag } from "hono/etag";
import type { StrataEnv } from "../../index.ts";
import { noQuery } from "../inputs.ts";

const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);

/** The places to go on from, by their names in the index. */
const LINKS = {
  demo: "/demo",
  dashboard: "/dashboard",
  docs: "/docs",
  openapi: "/openapi.json",
  health: "/health",
} as const;

/** The response fields of Strata, and what each says. */
const FIELDS = {
  "X-Cache-Status":
    "How the cache answered: HIT, MISS, STALE, REVALIDATED, or BYPASS if it was not used.",
  "Cache-Status":
    "The same by RFC 9211, with the seconds for which the answer stays fresh (ttl) and the tier that had it (detail: memory, edge or redis).",
  Age: "The seconds since the origin made the answer.",
  ETag: "The version of the answer. Send it in If-None-Match to get 304 if nothing has changed.",
  "Server-Timing": "The milliseconds of each step of the request, and in all.",
  "X-Response-Time": "The milliseconds from the request to the answer, in the Worker.",
  "X-Invalidation":
    "On a write: done if readers see the change within the coherence bound, deferred if the invalidation waits for Redis.",
  "RateLimit-Policy": "The rate limits of the client: q requests in w seconds.",
  RateLimit: "The requests left (r), and the seconds until more are left (t).",
  "Retry-After": "On 429 and 503: the seconds to wait before the next request.",
  traceparent: "The id of the request's trace.",
} as const;

/** `GET /` for clients that want no HTML: where to go on, every route, and what the response fields say. */
export function frontDoorRoutes(app: Hono<StrataEnv>): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.get("/", etag(), (c) => {
    noQuery(c);
    const paths = pathsOf(app);
    return c.json(
      {
        name: "Strata",
        description:
          "A cache for APIs on Cloudflare Workers: a read asks the isolate's memory, the edge cache and Redis before the origin. The routes are those of a shop.",
        links: Object.fromEntries(
          Object.entries(LINKS).filter(([, path]) => paths.has(`GET ${path}`)),
        ),
        routes: [...paths],
        headers: FIELDS,
      },
      200,
      { "Cache-Control": "no-cache", Vary: "Accept" },
    );
  });

  return routes;
}

/** Lists the routes of the application as `GET /products/{id}`, without the files of pages. */
function pathsOf(app: Hono<StrataEnv>): ReadonlySet<string> {
  return new Set(
    app.routes
      .filter(
        ({ method, path }) =>
          METHODS.has(method) && !path.includes("*") && !path.endsWith("/:file"),
      )
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, "{$1}")}`),
  );
}
