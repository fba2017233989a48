/** What the consumer of the queue does with the messages of the reference application. */
import { sql } from "drizzle-orm";
import * as z from "zod/mini";
import type { Effect, Strata } from "../index.ts";
import { payments, products, productViews } from "./schema.ts";
import { pendingViewsOf, tagOfViews } from "./tags.ts";

export const VIEW = "view";
export const PAYMENT = "payment";

/** The content of a message of the kind `view`. */
const View = z.object({ productId: z.int() });
export type ViewPayload = z.infer<typeof View>;

/** The content of a message of the kind `payment`. */
const Payment = z.object({ orderId: z.int(), amountCents: z.int() });
export type PaymentPayload = z.infer<typeof Payment>;

export function createEffects({ db, pending }: Pick<Strata, "db" | "pending">): readonly Effect[] {
  return [viewEffect({ db, pending }), paymentEffect({ db })];
}

/** Adds views to the counts of their products. A view of a product that does not exist is left out. */
function viewEffect({ db, pending }: Pick<Strata, "db" | "pending">): Effect {
  const productOf = (payload: unknown): number => View.parse(payload).productId;
  return {
    kind: VIEW,
    statements(messages) {
      const counts = new Map<number, number>();
      for (const { payload } of messages) {
        const id = productOf(payload);
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
      // In the order of the ids, so that two consumers do not wait for each other.
      const rows = [...counts].toSorted(([a], [b]) => a - b);
      const column = (values: readonly number[]) => sql`${sql.param(values)}::integer[]`;
      return [
        db.execute(sql`
          insert into ${productViews} (product_id, views)
          select seen.id, seen.times
          from unnest(${column(rows.map(([id]) => id))}, ${column(rows.map(([, times]) => times))})
            as seen (id, times)
          where exists (select from ${products} where ${products.id} = seen.id)
          on conflict (product_id) do update set views = product_views.views + excluded.views`),
      ];
    },
    tags: (messages) => [...new Set(messages.map(({ payload }) => tagOfViews(productOf(payload))))],
    async afterCommit(messages, ctx) {
      const ids = messages.map(({ id, payload }) => ({
        group: pendingViewsOf(productOf(payload)),
        id,
      }));
      await pending.remove(ids, ctx);
    },
  };
}

/** Charges each order once. The row of the order stays, so that it is not charged again after the ids of messages are deleted. */
function paymentEffect({ db }: Pick<Strata, "db">): Effect {
  return {
    kind: PAYMENT,
    statements: (messages) =>
      messages.map(({ id, payload }) => {
        const { orderId, amountCents } = Payment.parse(payload);
        return db
          .insert(payments)
          .values({ orderId, amountCents, chargedBy: id })
          .onConflictDoNothing();
      }),
  };
}
