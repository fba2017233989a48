/** Rows that are cached one by one: their keys, their policies, and how they are loaded. */
import {
  definePolicy,
  key,
  type Database,
  type ExistenceKind,
  type LoadMany,
  type Policy,
} from "../index.ts";
import {
  findProducts,
  findUsers,
  listProductIds,
  listUserIds,
  type Product,
  type User,
} from "./queries.ts";

/** Ids of one existence filter at most: they are listed by one query. */
const MAX_FILTERED = 500_000;

export interface Kind<T> {
  readonly name: string;
  readonly policy: Policy;
  keyOf(id: number): string;
  /** What a change of the row invalidates, its coming and going included. */
  tagOf(id: number): string;
  /** How the filter of all that exist is built. */
  existence(db: Database): ExistenceKind;
  /** Loads all of them with one query; tags each. */
  loader(db: Database): LoadMany<T>;
  /** The first ids, for a warm-up of everything. */
  listIds(db: Database, limit: number): Promise<number[]>;
}

export const productKind: Kind<Product> = createKind<Product>({
  name: "product",
  policy: definePolicy({
    freshFor: "1h",
    staleWhileRevalidate: "5m",
    staleIfError: "1d",
    negativeFor: "1m",
  }),
  find: findProducts,
  listIds: listProductIds,
});

export const userKind: Kind<User> = createKind<User>({
  name: "user",
  policy: definePolicy({
    freshFor: "10m",
    staleWhileRevalidate: "1m",
    staleIfError: "1h",
    negativeFor: "1m",
  }),
  find: findUsers,
  listIds: listUserIds,
});

interface KindOptions<T> extends Pick<Kind<T>, "name" | "policy" | "listIds"> {
  readonly find: (db: Database, ids: readonly number[]) => Promise<T[]>;
}

function createKind<T extends { readonly id: number }>(options: KindOptions<T>): Kind<T> {
  const { name, policy, find, listIds } = options;
  const keyOf = (id: number): string => key(name, id);
  const tagOf = (id: number): string => `${name}:${id}`;
  return {
    name,
    policy,
    keyOf,
    tagOf,
    existence: (db) => ({
      name,
      async listKeys() {
        const ids = await listIds(db, MAX_FILTERED + 1);
        if (ids.length > MAX_FILTERED)
          throw new Error(
            `more than ${MAX_FILTERED} of the kind ${name}: a filter would leave some out`,
          );
        return ids.map(keyOf);
      },
    }),
    listIds,
    loader: (db) => async (keys, load) => {
      const ids = keys.map((one) => Number(one.slice(name.length + 1)));
      for (const id of ids) load.tagKey(keyOf(id), tagOf(id));
      const rows = await find(db, ids);
      return new Map(rows.map((row) => [keyOf(row.id), row]));
    },
  };
}
