import { and, eq, sql } from "drizzle-orm";
import { Hono } from "hono";
import { OriginFault, type Context, type StrataEnv, type Written } from "../../index.ts";
import type { Admin } from "../admin.ts";
import { ApiProblem, notFound } from "../errors.ts";
import { bodyOf, idOf, noQuery, PartialProduct, StockChange, WholeProduct } from "../inputs.ts";
import { findProducts, toProduct } from "../queries.ts";
import { products } from "../schema.ts";
import type { AppServices } from "../services.ts";
import { deletionEventOf, NEW_STOCK_EVENT, stockEventOf } from "../stock-events.ts";
import { categoryOf, LISTS_OF_ALL, NEW_PRODUCT, tagsOfUpdate } from "../tags.ts";

/**
 * The routes that write products. The response has `X-Invalidation: done`, or `deferred` if Redis
 * did not answer. A deferred write is committed, and readers see it as soon as Redis answers again.
 * A write that sets a stock sends a live event, and has `X-Live-Events: done` or `deferred`.
 */
export function productWriteRoutes(
  { db, writer, idempotent }: AppServices,
  admin: Admin,
): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();
  const once = idempotent();
  type Row = typeof products.$inferSelect;
  const missing = (id: number) => notFound(`There is no product ${id}.`);

  routes.post("/", admin.required, once, async (c) => {
    const product = await bodyOf(c, WholeProduct);
    const written = await withKnownCategory(
      writer.mutate<Row>(
        {
          statements: [db.insert(products).values(product).returning()],
          tags: [`category:${product.categoryId}`, LISTS_OF_ALL],
          tagQuery: { after: NEW_PRODUCT },
          liveEvents: NEW_STOCK_EVENT,
        },
        c.var.strata.ctx,
      ),
    );
    const headers = { Location: `/products/${written.value?.id}`, ...headersOf(written) };
    return c.json(written.value && toProduct(written.value), 201, headers);
  });

  async function update(id: number, change: PartialProduct, ctx: Context): Promise<Written<Row>> {
    return withKnownCategory(
      writer.mutate<Row>(
        {
          statements: [
            db
              .update(products)
              .set({ ...change, updatedAt: sql`now()` })
              .where(eq(products.id, id))
              .returning(),
          ],
          tags: [`product:${id}`],
          // The responses that show the product carry its tag. The ids of lists change only with the
          // category.
          ...(change.categoryId !== undefined && {
            tagQuery: tagsOfUpdate(id, change.categoryId),
          }),
          ...(change.stock !== undefined && { liveEvents: stockEventOf(id) }),
        },
        ctx,
      ),
    );
  }

  routes.put("/:id", admin.required, once, async (c) => {
    const id = idOf(c);
    const written = await update(id, await bodyOf(c, WholeProduct), c.var.strata.ctx);
    if (written.value === undefined) return missing(id);
    return c.json(toProduct(written.value), 200, headersOf(written));
  });

  routes.patch("/:id", admin.required, once, async (c) => {
    const id = idOf(c);
    const written = await update(id, await bodyOf(c, PartialProduct), c.var.strata.ctx);
    if (written.value === undefined) return missing(id);
    return c.json(toProduct(written.value), 200, headersOf(written));
  });

  routes.patch("/:id/stock", admin.required, once, async (c) => {
    const id = idOf(c);
    const { stock, delta } = await bodyOf(c, StockChange);
    const next =
      delta === undefined
        ? sql`${stock}::bigint`
        : sql`${products.stock}::bigint + ${delta}::bigint`;
    const written = await writer.mutate<Row>(
      {
        statements: [
          db
            .update(products)
            .set({ stock: next, updatedAt: sql`now()` })
            .where(and(eq(products.id, id), sql`${next} between 0 and ${MAX_STOCK}::bigint`))
            .returning(),
        ],
        tags: [`product:${id}`],
        liveEvents: stockEventOf(id),
      },
      c.var.strata.ctx,
    );
    if (written.value !== undefined)
      return c.json(toProduct(written.value), 200, headersOf(written));
    const [product] = await findProducts(db, [id]);
    if (product === undefined) return missing(id);
    throw new ApiProblem({
      status: 409,
      type: "stock-conflict",
      title: "Stock Conflict",
      detail: `The stock is ${product.stock}; a change by ${delta} would make it less than 0 or too large.`,
      extensions: { stock: product.stock },
    });
  });

  routes.delete("/:id", admin.required, once, async (c) => {
    noQuery(c);
    const id = idOf(c);
    const written = await writer.mutate<Row>(
      {
        statements: [db.delete(products).where(eq(products.id, id)).returning()],
        tags: [`product:${id}`, LISTS_OF_ALL],
        tagQuery: categoryOf(id),
        liveEvents: { before: deletionEventOf(id) },
      },
      c.var.strata.ctx,
    );
    if (written.value === undefined) return missing(id);
    return c.body(null, 204, headersOf(written));
  });

  return routes;
}

const MAX_STOCK = 2_147_483_647;

/** Returns the fields of a response to a write. */
export function headersOf({ invalidation, liveEvents }: Written<unknown>): Record<string, string> {
  return {
    "X-Invalidation": invalidation,
    ...(liveEvents && { "X-Live-Events": liveEvents }),
    "Cache-Control": "no-store",
  };
}

/** The Postgres error code for a foreign key that refers to a row that does not exist. */
const FOREIGN_KEY_VIOLATION = "23503";

/** Turns the error for an unknown category into a response with status 422. */
async function withKnownCategory<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    if (!(error instanceof OriginFault) || error.sqlState !== FOREIGN_KEY_VIOLATION) throw error;
    throw new ApiProblem({
      status: 422,
      type: "unknown-category",
      title: "Unknown Category",
      detail: "categoryId: there is no such category",
      extensions: { errors: [{ field: "categoryId", detail: "there is no such category" }] },
    });
  }
}
