/**
 * The names under which cached things of the shop are invalidated:
 *
 *     product:<id>    the product, and every list that shows it
 *     products        every list
 *     products:all    the lists that are not of one category
 *     category:<id>   the lists of that category
 */
import { sql, type SQL } from "drizzle-orm";
import { products } from "./schema.ts";

/** The lists whose number of products and pages changes with every product that comes or goes. */
export const LISTS_OF_ALL = "products:all";

export function tagsOfList(category: number | undefined): string[] {
  return ["products", category === undefined ? LISTS_OF_ALL : `category:${category}`];
}

/** The category that a product is in at that moment; locked, see Mutation.tagQuery. */
export function categoryOf(id: number): SQL {
  return sql`
    select 'category:' || held.category_id
    from (select ${products.categoryId} from ${products} where ${products.id} = ${id} for update) as held`;
}

/** The id that this transaction's INSERT has just taken: it may be cached as missing. */
export const NEW_PRODUCT: SQL = sql`
  select 'product:' || currval(pg_get_serial_sequence('products', 'id'))`;
