/**
 * The reads of lists of products through the cache. The entry of a list holds ids, and each product has
 * an entry of its own. So a change of a product's fields leaves the ids: the list is made again without
 * the query for it, from the entries of its products.
 */
import { definePolicy, key, type Database, type RequestScope } from "../index.ts";
import { CATALOGUE } from "./catalogue.ts";
import { productKind } from "./kinds.ts";
import { createListEnds, type ListEnds } from "./list-ends.ts";
import {
  listPageIds,
  listPopularIds,
  onlyPageOf,
  pageOf,
  type Page,
  type Product,
} from "./queries.ts";
import { tagsOfList } from "./tags.ts";

const LIST = definePolicy(CATALOGUE.productList);
const TRENDING = definePolicy(CATALOGUE.trending);
const MAX_TRENDING = 20;

/** The value of a list's entry. */
interface ListIds {
  readonly ids: readonly number[];
  readonly total: number;
}

export interface ProductLists {
  readonly ends: Pick<ListEnds, "totalBefore">;
  /** Returns one page of a list. A page after the last one is empty. */
  page(page: number, category: number | undefined, scope: RequestScope): Promise<Page<Product>>;
  /** Returns the most viewed products, the most viewed one first. */
  trending(scope: RequestScope): Promise<Page<Product>>;
}

export function createProductLists(db: Database): ProductLists {
  const ends = createListEnds(db);

  // The key has the prefix of the list's response, so that a purge of `products:` reaches both.
  async function readIds(page: number, category: number | undefined, scope: RequestScope) {
    const name =
      category === undefined
        ? key("products", "ids", "all", page)
        : key("products", "ids", "category", category, page);
    const { value } = await scope.cache.read<ListIds>(name, LIST, async (load) => {
      load.tag(...tagsOfList(category));
      const { ids, total } = await listPageIds(db, page, category);
      return { ids, total: total ?? (await ends.totalAfterMiss(category, scope)) };
    });
    return value ?? { ids: [], total: 0 };
  }

  return {
    ends,
    async page(page, category, scope) {
      const { ids, total } = await readIds(page, category, scope);
      return pageOf(page, await productKind.readAll(ids, db, scope.cache), total);
    },
    async trending(scope) {
      const name = key("products", "ids", "trending");
      const { value = [] } = await scope.cache.read<number[]>(name, TRENDING, (load) => {
        load.tag("products");
        return listPopularIds(db, MAX_TRENDING);
      });
      return onlyPageOf(await productKind.readAll(value, db, scope.cache));
    },
  };
}
