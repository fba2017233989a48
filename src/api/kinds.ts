/** The kinds of rows that have one entry for each row, with their keys, tags, policies, loaders and filters. */
import {
  definePolicy,
  key,
  type Database,
  type DataReader,
  type Existence,
  type ExistenceKind,
  type LoadMany,
  type Policy,
  type RequestScope,
  type WarmProgress,
} from "../index.ts";
import { CATALOGUE } from "./catalogue.ts";
import {
  findProducts,
  findUsers,
  listCategoryIds,
  listFrequentUserIds,
  listPopularIds,
  listProductIds,
  listUserIds,
  type Product,
  type User,
} from "./queries.ts";

/** An existence filter is built for at most this many rows, because one query lists all of them. */
const MAX_FILTERED = 500_000;

export interface Kind<T> {
  readonly name: string;
  readonly policy: Policy;
  keyOf(id: number): string;
  /** Returns the tag of a row. Every write of the row invalidates it, also an insert or a delete. */
  tagOf(id: number): string;
  /** Describes the existence filter of the kind, which covers every row of the table. */
  existence(db: Database): ExistenceKind;
  /**
   * Whether the id may exist. If the existence filter excludes it, no tier has to be read. A promise only
   * if the filter lacks the id.
   */
  mayExist(id: number, existence: Existence, scope: RequestScope): boolean | Promise<boolean>;
  /** Returns the loader of the kind. It loads all keys with one query and gives each key its tag. */
  loader(db: Database): LoadMany<T>;
  /** Returns the rows of the ids, in the order of the ids, each from its own entry. A row that does not exist is left out. */
  readAll(ids: readonly number[], db: Database, cache: DataReader): Promise<T[]>;
  /** Loads the rows of the ids that Redis lacks. */
  warm(
    ids: readonly number[],
    db: Database,
    cache: DataReader,
    options?: { readonly concurrency?: number },
  ): AsyncIterable<WarmProgress>;
  /** Returns the lowest ids, at most `limit`, for a warm-up of the whole kind. */
  listIds(db: Database, limit: number): Promise<number[]>;
  /** Returns the ids of the rows that are used most, then the lowest ids, at most `limit`. */
  listMostUsed(db: Database, limit: number): Promise<number[]>;
}

export const productKind: Kind<Product> = createKind<Product>({
  name: "product",
  policy: definePolicy(CATALOGUE.product),
  find: findProducts,
  listIds: listProductIds,
  listMostUsed: listPopularIds,
});

export const userKind: Kind<User> = createKind<User>({
  name: "user",
  policy: definePolicy(CATALOGUE.user),
  find: findUsers,
  listIds: listUserIds,
  listMostUsed: listFrequentUserIds,
});

/** The longest time for which a stored row answers without the log. The cached routes have the same, by default. */
export const UNREACHABLE_FOR_MS = Math.max(
  ...[productKind, userKind].map(({ policy }) => policy.unreachableForMs),
);

/** The existence filter of categories, which protects the lists of products of one category. */
export const categoryFilter = {
  existence: (db: Database): ExistenceKind => existenceOf("category", db, listCategoryIds),

  /** Reports that the list of a category is empty, so the category may not exist. */
  missed: (existence: Existence, { ctx }: RequestScope): void => existence.missed("category", ctx),

  /**
   * Whether the category may exist. A product that is created in a category or moved to it
   * invalidates `category:<id>`, so the filter never excludes a list that has products.
   */
  mayExist: (id: number, existence: Existence, { ctx }: RequestScope): boolean | Promise<boolean> =>
    existence.mayExist("category", key("category", id), [`category:${id}`], ctx),
};

function existenceOf(
  name: string,
  db: Database,
  listIds: (db: Database, limit: number) => Promise<number[]>,
): ExistenceKind {
  return {
    name,
    async listKeys() {
      const ids = await listIds(db, MAX_FILTERED + 1);
      if (ids.length > MAX_FILTERED)
        throw new Error(
          `the kind ${name} has more than ${MAX_FILTERED} rows, too many for a filter`,
        );
      return ids.map((id) => key(name, id));
    },
  };
}

interface KindOptions<T> extends Pick<Kind<T>, "name" | "policy" | "listIds" | "listMostUsed"> {
  readonly find: (db: Database, ids: readonly number[]) => Promise<T[]>;
}

function createKind<T extends { readonly id: number }>(options: KindOptions<T>): Kind<T> {
  const { name, policy, find, listIds, listMostUsed } = options;
  const keyOf = (id: number): string => key(name, id);
  const tagOf = (id: number): string => `${name}:${id}`;
  const loader =
    (db: Database): LoadMany<T> =>
    async (keys, load) => {
      const ids = keys.map((each) => Number(each.slice(name.length + 1)));
      for (const id of ids) load.tagKey(keyOf(id), tagOf(id));
      const rows = await find(db, ids);
      return new Map(rows.map((row) => [keyOf(row.id), row]));
    };
  return {
    name,
    policy,
    keyOf,
    tagOf,
    existence: (db) => existenceOf(name, db, listIds),
    mayExist: (id, existence, { ctx }) => existence.mayExist(name, keyOf(id), [tagOf(id)], ctx),
    loader,
    async readAll(ids, db, cache) {
      const keys = ids.map(keyOf);
      const found = await cache.readMany<T>(keys, policy, loader(db));
      return keys.flatMap((each) => found.get(each)?.value ?? []);
    },
    warm: (ids, db, cache, options) => cache.warm(ids.map(keyOf), policy, loader(db), options),
    listIds,
    listMostUsed,
  };
}
