/** The migrations of the target database: which are applied, and the transaction that applies the others. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { neon, neonConfig } from "@neondatabase/serverless";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { pendingAfter, type MigrationFile, type MigrationState } from "./migration-state.ts";

const FOLDER = join(import.meta.dirname, "../../drizzle/migrations");
const TIMEOUT_MS = 10_000;
/** Codes of Postgres for a table or a schema that does not exist. */
const NO_TABLE = new Set(["42P01", "3F000"]);

const TABLE = "drizzle.__drizzle_migrations";
/** The table of drizzle-orm's own migrator, so that both can be used. */
const CREATE_TABLE = [
  "CREATE SCHEMA IF NOT EXISTS drizzle",
  `CREATE TABLE IF NOT EXISTS ${TABLE} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
];

function migrationFiles(): readonly MigrationFile[] {
  const journal = JSON.parse(readFileSync(join(FOLDER, "meta/_journal.json"), "utf8")) as {
    readonly entries: readonly MigrationFile[];
  };
  return journal.entries;
}

/** `NEON_ENDPOINT` of this shell leads to the local services, as it does for the Worker. */
function connect(url: string) {
  const endpoint = process.env["NEON_ENDPOINT"];
  if (endpoint !== undefined) neonConfig.fetchEndpoint = endpoint;
  return neon(url, { fetchOptions: { signal: AbortSignal.timeout(TIMEOUT_MS) } });
}

/** Returns the instant of the newest migration that the database has; undefined if it has none. */
async function lastApplied(url: string): Promise<number | undefined> {
  try {
    const rows = await connect(url).query(`SELECT max(created_at) AS at FROM ${TABLE}`);
    const at: unknown = rows[0]?.["at"];
    return at === null || at === undefined ? undefined : Number(at);
  } catch (error) {
    if (NO_TABLE.has((error as { readonly code?: string }).code ?? "")) return undefined;
    throw error;
  }
}

/** Asks the database which migrations it lacks. Never rejects, and repeats no error, which may hold the password. */
export async function readMigrationState(url: string | undefined): Promise<MigrationState> {
  if (url === undefined || url === "") return { unknown: "DATABASE_URL is not set here" };
  try {
    const pending = pendingAfter(migrationFiles(), await lastApplied(url));
    return { pending: pending.map(({ tag }) => tag) };
  } catch {
    return { unknown: "the database does not answer" };
  }
}

/** Applies all migrations that the database lacks, in one transaction. Returns their names. */
export async function applyMigrations(url: string): Promise<readonly string[]> {
  const pending = pendingAfter(migrationFiles(), await lastApplied(url));
  if (pending.length === 0) return [];
  const contents = new Map(
    readMigrationFiles({ migrationsFolder: FOLDER }).map((file) => [file.folderMillis, file]),
  );
  const sql = connect(url);
  const note = `INSERT INTO ${TABLE} (hash, created_at) VALUES ($1, $2)`;
  await sql.transaction([
    ...CREATE_TABLE.map((text) => sql.query(text)),
    ...pending.flatMap(({ when }) => {
      const file = contents.get(when);
      if (file === undefined) throw new Error("the journal and the files of the migrations differ");
      const statements = file.sql.filter((text) => text.trim() !== "");
      return [
        ...statements.map((text) => sql.query(text)),
        sql.query(note, [file.hash, String(when)]),
      ];
    }),
  ]);
  return pending.map(({ tag }) => tag);
}
