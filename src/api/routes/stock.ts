import { Hono, type Context } from "hono";
import { respondNonexistent, type LiveTransport, type StrataEnv } from "../../index.ts";
import { notFound } from "../errors.ts";
import { idOf } from "../inputs.ts";
import { productKind } from "../kinds.ts";
import type { Product } from "../queries.ts";
import type { AppServices } from "../services.ts";
import { messageOf, topicOfStock } from "../stock-events.ts";
import { lastEventIdOf } from "../stock-inputs.ts";

/**
 * The live stock of a product, as server-sent events and over a WebSocket. Only a product that exists has a
 * topic: made-up ids create no objects.
 */
export function stockRoutes({ db, existence, live }: AppServices): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  async function listen(c: Context<StrataEnv>, transport: LiveTransport): Promise<Response> {
    const lastEventId = lastEventIdOf(c);
    const id = idOf(c);
    const missing = `There is no product ${id}.`;
    const strata = c.get("strata");
    if (!(await productKind.mayExist(id, existence, strata))) return respondNonexistent(c, missing);
    const key = productKind.keyOf(id);
    const found = await strata.cache.readMany<Product>(
      [key],
      productKind.policy,
      productKind.loader(db),
    );
    const value = found.get(key)?.value;
    if (value === undefined) return notFound(missing);
    return live.listen(
      c.req.raw,
      { topic: topicOfStock(id), transport, lastEventId, initial: messageOf(value) },
      strata.ctx,
    );
  }

  routes.get("/:id/events", (c) => listen(c, "events"));
  routes.get("/:id/socket", (c) => listen(c, "socket"));
  return routes;
}
