import { Hono } from "hono";
import { definePolicy, key, respond, respondNonexistent, type StrataEnv } from "../../index.ts";
import { idOf, noQuery } from "../inputs.ts";
import { productKind } from "../kinds.ts";
import { countViews } from "../queries.ts";
import type { AppServices } from "../services.ts";
import { pendingViewsOf, tagOfViews } from "../tags.ts";

const POLICY = definePolicy({ freshFor: "1m", staleIfError: "1h" });

/**
 * `GET /products/:id/views`: how often a product was viewed. The loader adds the views that wait in
 * the queue to those in Postgres, so each view counts once, before and after the consumer applied it.
 */
export function viewRoutes({ db, existence, jobs }: AppServices): Hono<StrataEnv> {
  const { messages, pending } = jobs;
  const routes = new Hono<StrataEnv>();

  routes.get("/:id/views", async (c) => {
    noQuery(c);
    const id = idOf(c);
    const strata = c.get("strata");
    const missing = `There is no product ${id}.`;
    if (!(await productKind.mayExist(id, existence, strata))) return respondNonexistent(c, missing);
    const lookup = await strata.cache.read(key("views", id), POLICY, async (load) => {
      load.tag(tagOfViews(id));
      // The ids are read before the rows: an id that is removed in between is in the rows.
      const waiting = await pending.read(pendingViewsOf(id), strata.ctx);
      const { ids, count } = waiting.ok ? waiting.value : { ids: [], count: 0 };
      const views = await countViews(db, id, messages.countUnapplied(ids));
      return { productId: id, views: views + count - ids.length };
    });
    return respond(c, lookup, missing);
  });

  return routes;
}
