import { Hono } from "hono";
import type { StrataEnv } from "../../index.ts";
import type { Admin } from "../admin.ts";
import { PAYMENT, type PaymentPayload } from "../effects.ts";
import { ApiProblem, notFound } from "../errors.ts";
import { bodyOf, idOf, noQuery } from "../inputs.ts";
import { Payment } from "../message-inputs.ts";
import { findPayment } from "../queries.ts";
import { queueUnavailable, requireQueue } from "../queue-problem.ts";
import type { AppServices } from "../services.ts";

/**
 * The payment of an order. The message of a payment has the id `payment:<order>`, so an order is
 * charged once, however often the request or the message comes.
 */
export function orderRoutes(
  { db, jobs: { messages }, idempotent }: AppServices,
  admin: Admin,
): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();
  const noStore = { "Cache-Control": "no-store" };

  routes.post("/:id/payment", admin.required, idempotent(), async (c) => {
    requireQueue(messages);
    const orderId = idOf(c);
    const { amountCents } = await bodyOf(c, Payment);
    const charged = await findPayment(db, orderId);
    if (charged !== undefined) {
      if (charged.amountCents === amountCents) return c.json(charged, 200, noStore);
      throw new ApiProblem({
        status: 409,
        type: "payment-conflict",
        title: "Payment Conflict",
        detail: `The order ${orderId} is charged with another amount.`,
        extensions: { amountCents: charged.amountCents },
      });
    }
    const payload: PaymentPayload = { orderId, amountCents };
    const change = { id: `payment:${orderId}`, kind: PAYMENT, payload };
    const sent = await messages.send(change, c.var.strata.ctx);
    if (!sent.ok) throw queueUnavailable(sent.fault);
    return c.json({ orderId, status: "pending" }, 202, {
      ...noStore,
      Location: `/orders/${orderId}/payment`,
    });
  });

  routes.get("/:id/payment", admin.required, async (c) => {
    noQuery(c);
    const orderId = idOf(c);
    const charged = await findPayment(db, orderId);
    return charged === undefined
      ? notFound(`The order ${orderId} is not charged, or not yet.`)
      : c.json(charged, 200, noStore);
  });

  return routes;
}
