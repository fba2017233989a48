import { Hono, type MiddlewareHandler } from "hono";
import { streamSSE, type SSEStreamingApi } from "hono/streaming";
import type { MetricsView, StrataEnv } from "../index.ts";
import { createPageAssets, type AssetStore } from "./page-assets.ts";

export interface DashboardOptions {
  /** Serves the files of the folder `assets`. */
  readonly assets: AssetStore;
  readonly metrics: Pick<MetricsView, "history" | "summary">;
  /** The longest time for which stored values answer without the log. The page names it if Redis is away. */
  readonly unreachableForMs: number;
  /** Asks for the state of the queue: one query of the database and one call of the queue. */
  readonly queue: () => Promise<QueueFigures>;
  /** Refuses requests that are not allowed to read the figures. */
  readonly guard: MiddlewareHandler<StrataEnv>;
}

/** The messages that wait, and those that were given up. */
export interface QueueFigures {
  readonly paused: boolean;
  readonly backlog: number | undefined;
  readonly oldestAt: number | undefined;
  readonly deadLetters: number;
}

/** The files of the page. No other file of the folder `assets` is served. */
const FILES = new Set([
  "admin.js",
  "app.js",
  "charts.js",
  "compare.js",
  "figures.js",
  "history.js",
  "inspector.js",
  "live.js",
  "states.js",
  "tables.js",
  "timeline.js",
  "waterfall.js",
  "why.js",
  "style.css",
  "uplot.js",
  "uplot.css",
]);

/** The milliseconds between two messages of the live feed. */
const EVERY_MS = 1_000;
/** The state of the queue is asked for as often as this, for each page that is open. */
const QUEUE_EVERY_MS = 15_000;
/**
 * A live feed ends after this many milliseconds. The page then connects again, and the guard checks
 * the token again.
 */
const STREAM_MS = 300_000;

/** The dashboard: a page that every client may load, and figures that `guard` protects. */
export function dashboardRoutes(options: DashboardOptions): Hono<StrataEnv> {
  const { assets, metrics, queue, guard, unreachableForMs } = options;
  const routes = new Hono<StrataEnv>();

  const asset = createPageAssets(assets);

  /** Sends the state of the queue; null if the database does not answer. */
  async function sendQueue(stream: SSEStreamingApi): Promise<void> {
    const state = await queue().catch(() => null);
    await stream.writeSSE({ event: "queue", data: JSON.stringify({ state }) });
  }

  routes.get("/", (c) => asset("index.html", c.req.raw));

  routes.get("/live", guard, (c) =>
    streamSSE(c, async (stream) => {
      const startedAt = c.var.strata.ctx.now();
      const until = startedAt + STREAM_MS;
      // Without the history the page still has its live figures.
      const history = await metrics.history().catch(() => undefined);
      if (history !== undefined)
        await stream.writeSSE({
          event: "history",
          data: JSON.stringify({ at: startedAt, unreachableForMs, ...history }),
        });
      let queueAskedAt = -Infinity;
      while (!stream.aborted && c.var.strata.ctx.now() < until) {
        if (c.var.strata.ctx.now() - queueAskedAt >= QUEUE_EVERY_MS) {
          queueAskedAt = c.var.strata.ctx.now();
          // The feed does not wait for a database that hangs.
          c.var.strata.ctx.defer(sendQueue(stream));
        }
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
