import type { SqlEngine } from "../../../dev/sql/engine.ts";
import { createPgliteEngine } from "../../../dev/sql/pglite.ts";
import { createPostgresEngine } from "../../../dev/sql/postgres.ts";

export interface SqlEngineChoice {
  readonly name: string;
  open(): Promise<SqlEngine>;
}

/** Returns PGlite, and the server that LOCAL_POSTGRES names, if any. */
export function availableSqlEngines(): readonly SqlEngineChoice[] {
  const url = process.env["LOCAL_POSTGRES"] ?? "embedded";
  const embedded: SqlEngineChoice = { name: "PGlite", open: () => createPgliteEngine() };
  return url === "embedded"
    ? [embedded]
    : [embedded, { name: "Postgres", open: () => createPostgresEngine(url) }];
}
