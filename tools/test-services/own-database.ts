/** Databases of the server that LOCAL_POSTGRES names, one for each set of local services that runs at the same time. */
import { randomUUID } from "node:crypto";
import pg from "pg";

export interface OwnDatabase {
  /** For LOCAL_POSTGRES: "embedded", or the URL of the database. */
  readonly postgres: string;
  drop(): Promise<void>;
}

/**
 * Creates a database beside the one in LOCAL_POSTGRES, because a start of the local services deletes
 * everything in theirs. With "embedded", the default, each start has a Postgres of its own already.
 */
export async function createOwnDatabase(
  postgres = process.env["LOCAL_POSTGRES"] ?? "embedded",
): Promise<OwnDatabase> {
  if (postgres === "embedded") return { postgres, drop: async () => undefined };
  const name = `strata_${randomUUID().replaceAll("-", "")}`;
  await execute(postgres, `CREATE DATABASE ${name}`);
  const url = new URL(postgres);
  url.pathname = `/${name}`;
  return {
    postgres: url.href,
    drop: () => execute(postgres, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
