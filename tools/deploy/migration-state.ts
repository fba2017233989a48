import type { Finding } from "./finding.ts";

/** A file of drizzle/migrations. */
export interface MigrationFile {
  readonly tag: string;
  /** The instant at which it was generated. It orders the files, and the database notes it. */
  readonly when: number;
}

/** The migrations that a database lacks, or why they are unknown. */
export type MigrationState = { readonly pending: readonly string[] } | { readonly unknown: string };

/** Returns the migrations that follow the last applied one. */
export function pendingAfter(
  files: readonly MigrationFile[],
  lastApplied: number | undefined,
): readonly MigrationFile[] {
  return files.filter(({ when }) => lastApplied === undefined || when > lastApplied);
}

/** Checks that the database has all migrations. */
export function migrationFindings(state: MigrationState): {
  readonly problems?: readonly Finding[];
  readonly warnings?: readonly Finding[];
} {
  const mend = "DATABASE_URL=… npm run db:migrate";
  if ("unknown" in state)
    return {
      warnings: [{ text: `the migrations of the database are not known: ${state.unknown}`, mend }],
    };
  if (state.pending.length === 0) return {};
  const text = `the database lacks the migrations ${state.pending.join(", ")}`;
  return { problems: [{ text, mend }] };
}
