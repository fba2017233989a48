/** The proxy as a handler of its own, and as a handler of a Hono application. */
import { Hono, type Handler } from "hono";
import type { Strata } from "../data/strata.ts";
import {
  passThrough as passThroughWith,
  type PassThroughOptions,
} from "../http/proxy/pass-through.ts";
import type { StrataEnv } from "../http/routes/request-scope.ts";
import { dataPartsOf } from "./data-parts.ts";
import { middleware, type MiddlewareOptions } from "./hono-layer.ts";

/** The options of `proxy` and `passThrough`, without the invalidation log, which the cache brings. */
export type ProxyOptions = Omit<PassThroughOptions, "invalidator">;

/**
 * Serves an HTTP origin through the cache inside a Hono application that uses `middleware`, by the
 * caching rules in the responses.
 *
 * @example
 * import { Hono } from "hono";
 *
 * const strata = createStrata({ namespace: "shop" });
 * const app = new Hono<StrataEnv>();
 * app.use(middleware(strata, app));
 * app.all("/blog/*", passThrough(strata, { origin: new URL("https://example.com"), prefix: "/blog" }));
 */
export function passThrough(strata: Strata, options: ProxyOptions): Handler<StrataEnv> {
  let built: Handler<StrataEnv> | undefined;
  return (c, next) =>
    (built ??= passThroughWith({ ...options, invalidator: dataPartsOf(strata).coherence }))(
      c,
      next,
    );
}

/**
 * Makes a Worker that serves an HTTP origin through the cache.
 *
 * @example
 * const strata = createStrata({ namespace: "shop" });
 * export default proxy(strata, { origin: new URL("https://example.com") });
 */
export function proxy(
  strata: Strata,
  { expose, ...options }: ProxyOptions & MiddlewareOptions,
): Pick<Hono<StrataEnv>, "fetch"> {
  const app = new Hono<StrataEnv>();
  app.use(middleware(strata, app, { ...(expose && { expose }) }));
  app.all("*", passThrough(strata, options));
  return app;
}
