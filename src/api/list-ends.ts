import { CacheUnavailable, definePolicy, key, type Database, type RequestScope } from "../index.ts";
import { CATALOGUE } from "./catalogue.ts";
import { countProducts, isBeyondEnd } from "./queries.ts";
import { tagsOfList } from "./tags.ts";

/** An isolate looks at the ends of lists for this time after a request for a page beyond one. */
const WATCH_MS = 60_000;

/** The total of a list. It carries the tags of the list, so every insert and delete invalidates it. */
const TOTAL = definePolicy(CATALOGUE.productList);

/** The ends of the lists of products, as one isolate knows them. */
export interface ListEnds {
  /**
   * Returns the total of a list that ends before `page`. Undefined if the page may have products,
   * or if no client has recently asked this isolate for a page beyond an end.
   */
  totalBefore(
    page: number,
    category: number | undefined,
    scope: RequestScope,
  ): Promise<number | undefined>;
  /** Returns the total of a list of which a client has just read a page beyond the end. */
  totalAfterMiss(category: number | undefined, scope: RequestScope): Promise<number>;
}

/**
 * Answers requests for pages beyond the end of a list from one entry, the list's total. Otherwise
 * each made-up page number would be a key of its own, and would reach the database.
 */
export function createListEnds(db: Database): ListEnds {
  let watchUntil = -Infinity;

  async function totalOf(category: number | undefined, scope: RequestScope): Promise<number> {
    const name =
      category === undefined
        ? key("product-total", "all")
        : key("product-total", "category", category);
    const { value } = await scope.cache.read<number>(name, TOTAL, async (load) => {
      load.tag(...tagsOfList(category));
      return countProducts(db, category);
    });
    return value ?? 0;
  }

  return {
    async totalBefore(page, category, scope) {
      const now = scope.ctx.now();
      if (page === 1 || now >= watchUntil) return undefined;
      try {
        const total = await totalOf(category, scope);
        if (!isBeyondEnd(page, total)) return undefined;
        watchUntil = now + WATCH_MS;
        return total;
      } catch (error) {
        // The page itself may be cached, although the total is not.
        if (error instanceof CacheUnavailable) return undefined;
        throw error;
      }
    },

    totalAfterMiss(category, scope) {
      watchUntil = scope.ctx.now() + WATCH_MS;
      return totalOf(category, scope);
    },
  };
}
