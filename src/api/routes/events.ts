import { Hono } from "hono";
import { createPendingWrite, type StrataEnv } from "../../index.ts";
import { VIEW, type ViewPayload } from "../effects.ts";
import { notFound } from "../errors.ts";
import { bodyOf } from "../inputs.ts";
import { View } from "../message-inputs.ts";
import { productKind } from "../kinds.ts";
import { queueUnavailable, requireQueue } from "../queue-problem.ts";
import type { AppServices } from "../services.ts";
import { pendingViewsOf, tagOfViews } from "../tags.ts";

/**
 * `POST /events/views`: counts a view of a product. The count shows the view at once; Postgres gets it
 * from the queue, with up to 99 others. The view of a known user also changes the recommendations that
 * this user gets.
 */
export function eventRoutes(services: AppServices): Hono<StrataEnv> {
  const { invalidator, existence, rateLimits } = services;
  const { messages, pending } = services.jobs;
  const countView = createPendingWrite({ queue: messages, invalidator, pending });
  const routes = new Hono<StrataEnv>();

  routes.post("/views", async (c) => {
    requireQueue(messages);
    const { productId, id = messages.newId() } = await bodyOf(c, View);
    const strata = c.get("strata");
    if (!(await productKind.mayExist(productId, existence, strata)))
      return notFound(`There is no product ${productId}.`);
    const user = await rateLimits.userOf(c);
    const payload: ViewPayload = { productId, ...(user !== undefined && { userId: user.id }) };
    const change = { id: `view:${productId}:${id}`, kind: VIEW, payload };
    const target = { group: pendingViewsOf(productId), tags: [tagOfViews(productId)] };
    const sent = await countView(change, target, strata.ctx);
    if (!sent.ok) throw queueUnavailable(sent.fault);
    return c.json({ id, productId }, 202, { "Cache-Control": "no-store" });
  });

  return routes;
}
