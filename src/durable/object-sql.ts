import type { Sql } from "./store-sql.ts";

/** Returns the database of an object. */
export function sqlOf(storage: DurableObjectStorage): Sql {
  return {
    exec: (query, ...bindings) =>
      storage.sql.exec<Record<string, SqlStorageValue>>(query, ...bindings).toArray() as never,
    transaction: (work) => storage.transactionSync(work),
  };
}
