/** The reads of recommendations through the cache. */
import { definePolicy, key, type Database, type RequestScope } from "../index.ts";
import { chooseCandidates, type Candidate } from "./candidates.ts";
import { productKind } from "./kinds.ts";
import { listPopularIds, type Product } from "./queries.ts";
import { findCandidates, listInterests } from "./recommendation-queries.ts";
import { tagOfInterests } from "./tags.ts";

const MAX_ITEMS = 10;
/** A user's recommendations follow from this many categories. */
const MAX_INTERESTS = 3;

/** Views do not invalidate the lists, since every view would. So their order is up to 5 minutes old. */
const LISTS = definePolicy({ freshFor: "5m", staleWhileRevalidate: "1h", staleIfError: "1d" });
/** The consumer of the queue invalidates these entries when it has applied a view of the user. */
const INTERESTS = definePolicy({ freshFor: "5m", staleIfError: "1h" });

export interface Recommender {
  /** Returns the product itself; undefined if there is none. */
  product(id: number, scope: RequestScope): Promise<Product | undefined>;
  /** Returns products of the same category and, if the user is known, of the categories that the user viewed last. */
  similar(
    product: Product,
    userId: string | undefined,
    scope: RequestScope,
  ): Promise<readonly Product[]>;
  /** Returns the most viewed products except the one with the id `except`. All products share one entry. */
  popular(except: number, scope: RequestScope): Promise<readonly Product[]>;
}

/**
 * Creates the recommender. Its entries hold ids, and it reads the products from their own entries,
 * so that a change of a product shows at once. Only the entry of a user's categories depends on the
 * user, and its key names the user.
 */
export function createRecommender(db: Database): Recommender {
  // A product that was deleted after its list was loaded is left out.
  const readProducts = (ids: readonly number[], { cache }: RequestScope): Promise<Product[]> =>
    productKind.readAll(ids, db, cache);

  async function interestsOf(userId: string, scope: RequestScope): Promise<number[]> {
    const lookup = await scope.cache.read(key("interests", userId), INTERESTS, async (load) => {
      load.tag(tagOfInterests(userId));
      return listInterests(db, userId, MAX_INTERESTS);
    });
    return lookup.value ?? [];
  }

  async function candidatesOf(
    categoryIds: readonly number[],
    scope: RequestScope,
  ): Promise<readonly (readonly Candidate[])[]> {
    const keyOfList = (categoryId: number) => key("candidates", categoryId);
    const byKey = new Map(categoryIds.map((id) => [keyOfList(id), id]));
    const found = await scope.cache.readMany<Candidate[]>(
      [...byKey.keys()],
      LISTS,
      async (keys, load) => {
        const ids = keys.map((name) => byKey.get(name) ?? 0);
        load.tag("products");
        for (const id of ids) load.tagKey(keyOfList(id), `category:${id}`);
        const lists = await findCandidates(db, ids);
        return new Map([...lists].map(([id, list]) => [keyOfList(id), list]));
      },
    );
    return [...byKey.keys()].map((name) => found.get(name)?.value ?? []);
  }

  return {
    product: async (id, scope) => (await readProducts([id], scope))[0],
    async similar(product, userId, scope) {
      const interests = userId === undefined ? [] : await interestsOf(userId, scope);
      const lists = await candidatesOf([...new Set([product.categoryId, ...interests])], scope);
      return readProducts(chooseCandidates(product, lists, MAX_ITEMS), scope);
    },
    async popular(except, scope) {
      const lookup = await scope.cache.read(key("popular", "all"), LISTS, async (load) => {
        load.tag("products");
        return listPopularIds(db, MAX_ITEMS + 1);
      });
      const ids = (lookup.value ?? []).filter((id) => id !== except).slice(0, MAX_ITEMS);
      return readProducts(ids, scope);
    },
  };
}
