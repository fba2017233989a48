import { Hono, type MiddlewareHandler } from "hono";
import { streamSSE } from "hono/streaming";
import type { MetricsView, StrataEnv } from "../index.ts";
import { createPageAssets, type AssetStore } from "./page-assets.ts";

export interface DashboardOptions {
  /** Serves the files of the folder `assets`. */
  readonly assets: AssetStore;
  readonly metrics: MetricsView;
  /** Refuses requests that are not allowed to read the figures. */
  readonly guard: MiddlewareHandler<StrataEnv>;
}

/** The files of the page. No other file of the folder `assets` is served. */
const FILES = new Set([
  "app.js",
  "charts.js",
  "figures.js",
  "inspector.js",
  "live.js",
  "states.js",
  "tables.js",
  "waterfall.js",
  "style.css",
  "uplot.js",
  "uplot.css",
]);

/** The milliseconds between two messages of the live feed. */
const EVERY_MS = 1_000;
/**
 * A live feed ends after this many milliseconds. The page then connects again, and the guard checks
 * the token again.
 */
const STREAM_MS = 300_000;

/** The dashboard: a page that every client may load, and figures that `guard` protects. */
export function dashboardRoutes({ assets, metrics, guard }: DashboardOptions): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  const asset = createPageAssets(assets);

  routes.get("/", (c) => asset("index.html", c.req.raw));

  routes.get("/live", guard, (c) =>
    streamSSE(c, async (stream) => {
      const until = c.var.strata.ctx.now() + STREAM_MS;
      while (!stream.aborted && c.var.strata.ctx.now() < until) {
        const summary = await metrics.summary(c.var.strata.ctx.now());
        await stream.writeSSE({ data: JSON.stringify(summary ?? null) });
        await stream.sleep(EVERY_MS);
      }
    }),
  );

  routes.get("/:file", async (c, next) => {
    const file = c.req.param("file");
    if (!FILES.has(file)) return next();
    return asset(file, c.req.raw);
  });

  return routes;
}
