/** `npm run db:migrate`: applies drizzle/migrations to the database of `DATABASE_URL`, in one transaction. */
import { applyMigrations } from "./database.ts";

const url = process.env["DATABASE_URL"];
if (url === undefined || url === "") {
  console.error("DATABASE_URL is not set. DATABASE_URL=postgres://… npm run db:migrate");
  process.exitCode = 1;
} else {
  try {
    const applied = await applyMigrations(url);
    console.log(applied.length === 0 ? "No migration is missing" : `Applied ${applied.join(", ")}`);
  } catch (error) {
    // The code alone, because a message may hold the connection string.
    const { code = "no answer" } = error as { readonly code?: string };
    console.error(`Not migrated: the database refused the transaction (${code})`);
    process.exitCode = 1;
  }
}
