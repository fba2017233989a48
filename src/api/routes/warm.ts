import { Hono } from "hono";
import { stream } from "hono/streaming";
import { messageOf, type DataReader, type StrataEnv, type WarmProgress } from "../../index.ts";
import { auditAction } from "../admin.ts";
import { Warm } from "../admin-inputs.ts";
import { bodyOf } from "../inputs.ts";
import { productKind, userKind } from "../kinds.ts";
import type { AppServices } from "../services.ts";
import { warmHottest } from "../warm-up.ts";

/** The maximum number of ids in a warm-up whose body lists none. */
const MAX_IDS = 10_000;

/**
 * `POST /admin/warm`: loads products or users into Redis: all, those with the listed ids, or the hottest
 * of both kinds. The response streams the progress as lines of JSON. The last line has the totals.
 */
export function warmRoutes(services: AppServices): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.post("/", async (c) => {
    const { kind, ids } = await bodyOf(c, Warm);
    const { cache } = c.var.strata;
    auditAction(c, undefined, [[kind, ""]]);
    c.header("Content-Type", "application/x-ndjson");
    c.header("Cache-Control", "no-store");
    return stream(c, async (out) => {
      const line = (value: unknown) => out.write(`${JSON.stringify(value)}\n`);
      const sum: Record<string, number> = {};
      try {
        for await (const { done, total, results, fault } of run(kind, ids, services, cache)) {
          for (const result of results.values()) sum[result] = (sum[result] ?? 0) + 1;
          const failed = [...results].flatMap(([key, result]) =>
            result === "failed" ? [key] : [],
          );
          await line({ done, total, ...(fault && { fault: fault.code, failed }) });
        }
        await line({ finished: true, ...sum });
      } catch (error) {
        await line({ finished: false, error: messageOf(error), ...sum });
      }
    });
  });

  return routes;
}

async function* run(
  wanted: "products" | "users" | "hottest",
  ids: readonly number[] | undefined,
  services: AppServices,
  cache: DataReader,
): AsyncGenerator<WarmProgress> {
  if (wanted === "hottest") {
    yield* warmHottest("product", services, cache);
    yield* warmHottest("user", services, cache);
    return;
  }
  const { db } = services;
  const kind = wanted === "products" ? productKind : userKind;
  yield* kind.warm(ids ?? (await kind.listIds(db, MAX_IDS)), db, cache);
}
