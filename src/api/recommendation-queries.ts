/** The SQL reads of recommendations. */
import { desc, eq, sql } from "drizzle-orm";
import type { Database } from "../index.ts";
import type { Candidate } from "./candidates.ts";
import { products, productViews, viewedCategories } from "./schema.ts";

/** Each category gives its most viewed products, at most this many, to choose from. */
const MAX_CANDIDATES = 100;

/** Returns the candidates of each category, with one query for all categories. */
export async function findCandidates(
  db: Database,
  categoryIds: readonly number[],
): Promise<ReadonlyMap<number, Candidate[]>> {
  const { rows } = await db.execute<Record<"id" | "category" | "price" | "views", unknown>>(sql`
    select id, category, price, views
    from (
      select ${products.id} as id, ${products.categoryId} as category,
        ${products.priceCents} as price, coalesce(${productViews.views}, 0) as views,
        row_number() over (
          partition by ${products.categoryId}
          order by coalesce(${productViews.views}, 0) desc, ${products.id}) as place
      from ${products} left join ${productViews} on ${productViews.productId} = ${products.id}
      where ${products.categoryId} = any(${sql.param(categoryIds)}::integer[])) as ranked
    where place <= ${MAX_CANDIDATES}`);
  const found = new Map<number, Candidate[]>(categoryIds.map((id) => [id, []]));
  for (const { id, category, price, views } of rows)
    found
      .get(Number(category))
      ?.push({ id: Number(id), priceCents: Number(price), views: Number(views) });
  return found;
}

/** Returns the ids of the categories that the user viewed last, the last one first. */
export async function listInterests(
  db: Database,
  userId: string,
  limit: number,
): Promise<number[]> {
  const rows = await db
    .select({ id: viewedCategories.categoryId })
    .from(viewedCategories)
    .where(eq(viewedCategories.userId, userId))
    .orderBy(desc(viewedCategories.viewedAt), viewedCategories.categoryId)
    .limit(limit);
  return rows.map(({ id }) => id);
}
