/** Requests and commands that passed through the gateways since the start or the last reset. */
export interface Counts {
  readonly redis: { requests: number; commands: number };
  /** `tables` has the number of queries by the first table that each names. */
  readonly sql: { requests: number; queries: number; tables: Record<string, number> };
  readonly otlp: { requests: number };
  readonly llm: { requests: number };
}

/** Creates counters that are all zero. The shape is the response of `GET /counts`. */
export function createCounts(): Counts {
  return {
    redis: { requests: 0, commands: 0 },
    sql: { requests: 0, queries: 0, tables: {} },
    otlp: { requests: 0 },
    llm: { requests: 0 },
  };
}

/** Sets every counter to zero in place, because the gateways share the object. */
export function resetCounts(counts: Counts): void {
  const zero = createCounts();
  for (const [name, counters] of Object.entries(counts))
    Object.assign(counters, zero[name as keyof Counts]);
}

const FIRST_TABLE = /\b(?:from|into|update)\s+"?(\w+)/i;

/** Counts queries that were sent in one request. */
export function countQueries({ sql }: Counts, queries: readonly { readonly text: string }[]): void {
  for (const { text } of queries) {
    sql.queries++;
    const table = FIRST_TABLE.exec(text)?.[1]?.toLowerCase();
    if (table !== undefined) sql.tables[table] = (sql.tables[table] ?? 0) + 1;
  }
}
