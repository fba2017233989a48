/** A database of `node:sqlite` as the database of a Durable Object. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { Sql } from "../../src/durable/store-sql.ts";

export function sqlOf(db: DatabaseSync): Sql {
  const statements = new Map<string, StatementSync>();
  function statement(query: string): StatementSync {
    const known = statements.get(query) ?? db.prepare(query);
    statements.set(query, known);
    return known;
  }

  return {
    exec: (query, ...bindings) => statement(query).all(...(bindings as SQLInputValue[])) as never,
    transaction(work) {
      statement("BEGIN").run();
      try {
        const value = work();
        statement("COMMIT").run();
        return value;
      } catch (error) {
        statement("ROLLBACK").run();
        throw error;
      }
    },
  };
}
