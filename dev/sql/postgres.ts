import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";
import type { SqlEngine, SqlQuery, SqlResult } from "./engine.ts";
import { opensTransaction } from "./engine.ts";

const rawText = { getTypeParser: () => (text: unknown) => text };

/** Connects to a Postgres server. Rejects with the driver's error if the server does not answer. */
export async function createPostgresEngine(url: string): Promise<SqlEngine> {
  const pool = new pg.Pool({ connectionString: url, max: 20, connectionTimeoutMillis: 10_000 });
  // Without a listener an idle connection that the server closes would end the process. The next
  // query reports it.
  pool.on("error", () => undefined);
  const orm = drizzle({ client: pool });
  const version = await pool
    .query<{ server_version: string }>("SHOW server_version")
    .catch(async (error: unknown) => {
      await pool.end();
      throw error;
    });

  const run = async (client: pg.PoolClient, { text, params }: SqlQuery): Promise<SqlResult> => {
    const result = await client.query<(string | null)[]>({
      text,
      values: [...params],
      rowMode: "array",
      types: rawText,
      // The extended protocol, also without parameters: Neon rejects several statements in one
      // query.
      queryMode: "extended",
    } as pg.QueryArrayConfig);
    return {
      command: result.command ?? "",
      rowCount: result.rowCount,
      fields: result.fields.map((field) => ({
        name: field.name,
        dataTypeID: field.dataTypeID,
        tableID: field.tableID,
        columnID: field.columnID,
        dataTypeSize: field.dataTypeSize,
        dataTypeModifier: field.dataTypeModifier,
      })),
      rows: result.rows,
    };
  };

  const withClient = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      return await work(client);
    } catch (error) {
      // An error without SQLSTATE means that the connection was cut. Such a connection must not
      // return to the pool.
      if (error instanceof Error && !("code" in error && /^[0-9A-Z]{5}$/.test(String(error.code))))
        broken = error;
      throw error;
    } finally {
      client.release(broken);
    }
  };

  return {
    label: `Postgres ${version.rows[0]?.server_version ?? "?"}`,
    query: (query) =>
      withClient(async (client) => {
        const result = await run(client, query);
        if (opensTransaction(result.command)) await client.query("ROLLBACK");
        return result;
      }),
    batch: (mode, queries) =>
      withClient(async (client) => {
        await client.query(`BEGIN ${mode}`);
        try {
          const results: SqlResult[] = [];
          for (const query of queries) results.push(await run(client, query));
          await client.query("COMMIT");
          return results;
        } catch (error) {
          await client.query("ROLLBACK").catch(() => undefined);
          throw error;
        }
      }),
    async wipe() {
      await pool.query(
        "DROP SCHEMA IF EXISTS drizzle CASCADE; DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public",
      );
    },
    migrate: (folder) => migrate(orm, { migrationsFolder: folder }),
    seed: (seed) => seed(orm),
    close: () => pool.end(),
  };
}
