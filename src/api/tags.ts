/**
 * The tags of the reference API, each with the entries that carry it:
 *
 *     product:<id>    the product, and the response of every list that shows it
 *     products        every list
 *     products:all    the lists of all categories
 *     category:<id>   the lists of that category, and the candidates for recommendations in it
 *     interests:<id>  the categories that a user viewed last
 *     settings        the settings of the shop
 */
import { sql, type SQL } from "drizzle-orm";
import { products } from "./schema.ts";

/** The tag of the lists of all categories. Each insert and each delete changes the totals of these lists. */
export const LISTS_OF_ALL = "products:all";

/** The tag of the settings of the shop. */
export const SETTINGS = "settings";

export function tagsOfList(category: number | undefined): string[] {
  return ["products", category === undefined ? LISTS_OF_ALL : `category:${category}`];
}

/**
 * Returns the query for the tag of the product's current category. The query locks the row: see
 * `Mutation.tagQuery`.
 */
export function categoryOf(id: number): SQL {
  return sql`
    select 'category:' || held.category_id
    from (select ${products.categoryId} from ${products} where ${products.id} = ${id} for update) as held`;
}

/**
 * Returns the query for the tags of an update that sets the product's category: the product's own tag,
 * and those of the old and of the new category if the two differ. The query locks the row.
 */
export function tagsOfUpdate(id: number, categoryId: number): SQL {
  const own = sql`'product:' || ${id}::integer`;
  return sql`
    select unnest(case when held.category_id = ${categoryId}::integer then array[${own}]
      else array[${own}, 'category:' || held.category_id, 'category:' || ${categoryId}::integer] end)
    from (select ${products.categoryId} from ${products} where ${products.id} = ${id} for update) as held`;
}

/** Selects the tag of the product that this transaction inserts. A negative entry may carry this tag. */
export const NEW_PRODUCT: SQL = sql`
  select 'product:' || currval(pg_get_serial_sequence('products', 'id'))`;

/** Returns the tag of the view count of a product. */
export function tagOfViews(productId: number): string {
  return `views:${productId}`;
}

/** Returns the tag of the categories that a user viewed last. */
export function tagOfInterests(userId: string): string {
  return `interests:${userId}`;
}

/** Returns the group of the views of a product that wait in the queue. */
export function pendingViewsOf(productId: number): string {
  return `views:${productId}`;
}
