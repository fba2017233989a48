/** The effects of the messages of the reference application. */
import { sql } from "drizzle-orm";
import * as z from "zod/mini";
import type { Effect, Strata } from "../index.ts";
import { loginEffect } from "./logins.ts";
import { payments, products, productViews, viewedCategories } from "./schema.ts";
import { pendingViewsOf, tagOfInterests, tagOfViews } from "./tags.ts";

export const VIEW = "view";
export const PAYMENT = "payment";

/** The content of a message of the kind `view`. `userId` is absent if the viewer is not known. */
const View = z.object({ productId: z.int(), userId: z.optional(z.string()) });
export type ViewPayload = z.infer<typeof View>;

/** The content of a message of the kind `payment`. */
const Payment = z.object({ orderId: z.int(), amountCents: z.int() });
export type PaymentPayload = z.infer<typeof Payment>;

export function createEffects({ db, jobs }: Pick<Strata, "db" | "jobs">): readonly Effect[] {
  return [viewEffect({ db, jobs }), paymentEffect({ db }), loginEffect({ db })];
}

/**
 * Adds views to the counts of their products, and notes the categories that known users viewed. A
 * view of a product that does not exist is left out.
 */
function viewEffect({ db, jobs }: Pick<Strata, "db" | "jobs">): Effect {
  const column = (values: readonly number[]) => sql`${sql.param(values)}::integer[]`;

  /** In the order of the primary key, so that two consumers do not wait for each other. */
  function noteCategories(views: readonly { userId: string; productId: number }[]) {
    const userIds = views.map(({ userId }) => userId);
    return db.execute(sql`
      insert into ${viewedCategories} (user_id, category_id)
      select distinct seen.user_id, ${products.categoryId}
      from unnest(${sql.param(userIds)}::text[], ${column(views.map(({ productId }) => productId))})
        as seen (user_id, product_id)
      join ${products} on ${products.id} = seen.product_id
      order by 1, 2
      on conflict (user_id, category_id) do update set viewed_at = excluded.viewed_at`);
  }

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
      const known = messages.flatMap(({ payload }) => {
        const { userId, productId } = View.parse(payload);
        return userId === undefined ? [] : [{ userId, productId }];
      });
      return [
        db.execute(sql`
          insert into ${productViews} (product_id, views)
          select seen.id, seen.times
          from unnest(${column(rows.map(([id]) => id))}, ${column(rows.map(([, times]) => times))})
            as seen (id, times)
          where exists (select from ${products} where ${products.id} = seen.id)
          on conflict (product_id) do update set views = product_views.views + excluded.views`),
        ...(known.length > 0 ? [noteCategories(known)] : []),
      ];
    },
    tags: (messages) => [
      ...new Set(
        messages.flatMap(({ payload }) => {
          const { productId, userId } = View.parse(payload);
          const tag = tagOfViews(productId);
          return userId === undefined ? [tag] : [tag, tagOfInterests(userId)];
        }),
      ),
    ],
    async afterCommit(messages, ctx) {
      const ids = messages.map(({ id, payload }) => ({
        group: pendingViewsOf(productOf(payload)),
        id,
      }));
      await jobs.pending.remove(ids, ctx);
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
