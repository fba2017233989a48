/** A column of a result, as Postgres's RowDescription gives it. */
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
  /** In Postgres's text format; `null` is SQL's null. */
  readonly params: readonly (string | null)[];
}

export interface SqlEngine {
  /** Shown at start-up: which Postgres this is. */
  readonly label: string;
  /** One statement on its own; rejects with the driver's error, which carries Postgres's fields. */
  query(query: SqlQuery): Promise<SqlResult>;
  /**
   * All statements in one transaction; the first error rolls all of them back.
   * `mode` is what may follow `SET TRANSACTION` ("ISOLATION LEVEL SERIALIZABLE READ ONLY"), or "".
   */
  batch(mode: string, queries: readonly SqlQuery[]): Promise<readonly SqlResult[]>;
  /** Drops every table, so that a start begins from nothing. */
  wipe(): Promise<void>;
  /** Applies the generated migrations of a folder. */
  migrate(folder: string): Promise<void>;
  /** Runs the seed with a drizzle database over this engine. */
  seed(run: (db: unknown) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Whether a statement left a transaction open: over HTTP each statement is a session of its own. */
export function opensTransaction(command: string): boolean {
  return command === "BEGIN" || command === "START";
}
