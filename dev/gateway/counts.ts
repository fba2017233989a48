/** Requests and commands that passed through the gateways since the start or the last reset. */
export interface Counts {
  readonly redis: { requests: number; commands: number };
  readonly sql: { requests: number; queries: number };
  readonly otlp: { requests: number };
  readonly llm: { requests: number };
}

/** Creates counters that are all zero. The shape is the response of `GET /counts`. */
export function createCounts(): Counts {
  return {
    redis: { requests: 0, commands: 0 },
    sql: { requests: 0, queries: 0 },
    otlp: { requests: 0 },
    llm: { requests: 0 },
  };
}

/** Sets every counter to zero in place, because the gateways share the object. */
export function resetCounts(counts: Counts): void {
  for (const counter of Object.values(counts) as Record<string, number>[]) {
    for (const name of Object.keys(counter)) counter[name] = 0;
  }
}
