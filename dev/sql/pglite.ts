import { existsSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import type { Transaction } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { migrate } from "drizzle-orm/pglite/migrator";
import { readTemplate, saveTemplate, templateFile } from "./cluster-template.ts";
import type { SqlEngine, SqlQuery, SqlResult } from "./engine.ts";
import { opensTransaction } from "./engine.ts";

type Runner = Pick<PGlite, "query"> | Pick<Transaction, "query">;

const identity = (text: string): string => text;

/**
 * Starts Postgres in WebAssembly. It is one session in one process: PGlite queues statements, and a
 * batch blocks the queue until its transaction ends.
 */
export async function createPgliteEngine(
  dataDir?: string,
  template: string = templateFile(),
): Promise<SqlEngine> {
  const db = await open(dataDir, template);
  // The gateway passes values on as Postgres's text, so the driver must not parse them.
  const parsers = Object.fromEntries(Object.keys(db.parsers).map((oid) => [oid, identity]));
  const serializers = new Proxy({}, { get: () => identity });
  const orm = drizzle({ client: db });

  const run = async (runner: Runner, { text, params }: SqlQuery): Promise<SqlResult> => {
    const result = await runner.query<(string | null)[]>(text, [...params], {
      rowMode: "array",
      parsers,
      serializers,
    });
    return {
      command: result.command ?? "",
      rowCount: result.rowCount ?? null,
      // PGlite keeps only the name and the type of a column.
      fields: result.fields.map(({ name, dataTypeID }) => ({
        name,
        dataTypeID,
        tableID: 0,
        columnID: 0,
        dataTypeSize: -1,
        dataTypeModifier: -1,
      })),
      rows: result.rows,
    };
  };

  return {
    label: "PGlite (embedded)",
    async query(query) {
      const result = await run(db, query);
      if (opensTransaction(result.command)) await db.exec("ROLLBACK");
      return result;
    },
    batch: (mode, queries) =>
      db.transaction(async (tx) => {
        if (mode) await tx.exec(`SET TRANSACTION ${mode}`);
        const results: SqlResult[] = [];
        for (const query of queries) results.push(await run(tx, query));
        return results;
      }),
    async wipe() {
      await db.exec(
        "DROP SCHEMA IF EXISTS drizzle CASCADE; DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public",
      );
    },
    migrate: (folder) => migrate(orm, { migrationsFolder: folder }),
    seed: (seed) => seed(orm),
    close: () => db.close(),
  };
}

/** Opens the cluster in `dataDir`, or a fresh one: a copy of the template, which the first start makes. */
async function open(dataDir: string | undefined, template: string): Promise<PGlite> {
  const isThere = dataDir !== undefined && existsSync(join(dataDir, "PG_VERSION"));
  const copy = isThere ? undefined : readTemplate(template);
  const db = await PGlite.create({
    ...(dataDir !== undefined && { dataDir }),
    ...(copy !== undefined && { loadDataDir: copy }),
  });
  // Without a copy the next start runs initdb again, and is slower.
  if (!isThere && copy === undefined) await saveTemplate(db, template).catch(() => undefined);
  return db;
}
