/** A value of a column. */
export type SqlValue = string | number | null;

/** One SQLite database, as the tables of the store use it. */
export interface Sql {
  /** Runs one statement and returns its rows. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a caller names the columns of its own query
  exec<Row extends Record<string, SqlValue>>(
    query: string,
    ...bindings: readonly SqlValue[]
  ): readonly Row[];
  /** Runs the work as one transaction. If the work throws, its changes are taken back. */
  transaction<T>(work: () => T): T;
}

/** One statement gets at most this many names, so that its text stays far below SQLite's limit of 2 MB. */
const MAX_NAMES = 1_000;

/**
 * Divides names among statements. Each part is a JSON array, since a statement of a Durable Object has
 * at most 100 bindings; `json_each` makes rows of it.
 */
export function nameLists(names: readonly string[]): string[] {
  const lists: string[] = [];
  for (let from = 0; from < names.length; from += MAX_NAMES)
    lists.push(JSON.stringify(names.slice(from, from + MAX_NAMES)));
  return lists;
}
