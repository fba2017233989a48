/** A column of a result, with the data of Postgres's RowDescription. */
export interface SqlField {
  readonly name: string;
  readonly dataTypeID: number;
  readonly tableID: number;
  readonly columnID: number;
  readonly dataTypeSize: number;
  readonly dataTypeModifier: number;
}

/** A result whose values are the text that Postgres sent. */
export interface SqlResult {
  readonly command: string;
  readonly rowCount: number | null;
  readonly fields: readonly SqlField[];
  readonly rows: readonly (readonly (string | null)[])[];
}

export interface SqlQuery {
  readonly text: string;
  /** Parameters in Postgres's text format. `null` is SQL's null. */
  readonly params: readonly (string | null)[];
}

export interface SqlEngine {
  /** Name of this Postgres, shown at start-up. */
  readonly label: string;
  /** Runs one statement. Rejects with the driver's error, which has Postgres's fields. */
  query(query: SqlQuery): Promise<SqlResult>;
  /**
   * Runs all statements in one transaction. The first error rolls all of them back. `mode` follows
   * `SET TRANSACTION` ("ISOLATION LEVEL SERIALIZABLE READ ONLY"), or is "".
   */
  batch(mode: string, queries: readonly SqlQuery[]): Promise<readonly SqlResult[]>;
  /** Drops every table. */
  wipe(): Promise<void>;
  /** Applies the generated migrations of a folder. */
  migrate(folder: string): Promise<void>;
  /** Runs the seed with a drizzle database over this engine. */
  seed(run: (db: unknown) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/**
 * Tests whether a statement left a transaction open. Over HTTP each statement is a session of its
 * own.
 */
export function opensTransaction(command: string): boolean {
  return command === "BEGIN" || command === "START";
}
