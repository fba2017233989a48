import type { Counts } from "../../../dev/gateway/counts.ts";
import type { Fault, FaultTarget } from "../../../dev/gateway/faults.ts";
import type { Running } from "../../../dev/gateway/running.ts";

export type { Fault } from "../../../dev/gateway/faults.ts";

/** The requests that reached the gateways. */
export interface Used {
  readonly redis: number;
  readonly commands: number;
  /** Requests to the SQL gateway. A request may have several queries. */
  readonly sql: number;
  readonly queries: number;
  /** The queries by the first table that each names. */
  readonly tables: Readonly<Record<string, number>>;
}

/** The control interface of the local services: counts, faults, Redis and Postgres. */
export interface LocalServices {
  readonly url: string;
  /** Reads the counts: `GET /counts`. */
  used(): Promise<Used>;
  /** Counts the requests during `work`, including those of other work at the same time. */
  usedBy<T>(work: () => Promise<T>): Promise<{ value: T; used: Used }>;
  /** Sets all counts to zero: `POST /counts/reset`. */
  resetCounts(): Promise<void>;
  /** Reads how many calls run now, and the most at once since the last reset: `GET /running`. */
  running(): Promise<ReturnType<Running["report"]>>;
  /** Injects a fault: `PUT /faults/<service>`. */
  fault(service: FaultTarget, fault: Fault): Promise<void>;
  /** Ends all faults: `DELETE /faults`. */
  heal(): Promise<void>;
  /** Sends a command to Redis directly. */
  redis(...command: readonly string[]): Promise<unknown>;
  /** Sends a statement to Postgres directly. Returns its rows as text. */
  sql(query: string): Promise<readonly Record<string, unknown>[]>;
}

export function createServices(url: string, redisToken: () => string): LocalServices {
  async function call(method: string, path: string, init: RequestInit = {}): Promise<unknown> {
    const response = await fetch(`${url}${path}`, { method, ...init });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  async function used(): Promise<Used> {
    const { redis, sql } = (await call("GET", "/counts")) as Counts;
    return {
      redis: redis.requests,
      commands: redis.commands,
      sql: sql.requests,
      queries: sql.queries,
      tables: sql.tables,
    };
  }

  return {
    url,
    used,
    async usedBy(work) {
      const before = await used();
      const value = await work();
      const after = await used();
      return {
        value,
        used: {
          redis: after.redis - before.redis,
          commands: after.commands - before.commands,
          sql: after.sql - before.sql,
          queries: after.queries - before.queries,
          tables: Object.fromEntries(
            Object.entries(after.tables).map(([table, queries]) => [
              table,
              queries - (before.tables[table] ?? 0),
            ]),
          ),
        },
      };
    },
    resetCounts: async () => void (await call("POST", "/counts/reset")),
    running: async () => (await call("GET", "/running")) as ReturnType<Running["report"]>,
    fault: async (service, fault) =>
      void (await call("PUT", `/faults/${service}`, { body: JSON.stringify(fault) })),
    heal: async () => void (await call("DELETE", "/faults")),
    async redis(...command) {
      const headers = { Authorization: `Bearer ${redisToken()}` };
      const answer = await call("POST", "/redis", { headers, body: JSON.stringify(command) });
      return (answer as { result: unknown }).result;
    },
    async sql(query) {
      const headers = { "Neon-Connection-String": "postgres://strata:local@127.0.0.1/strata" };
      const body = JSON.stringify({ query, params: [] });
      return (
        (await call("POST", "/sql", { headers, body })) as { rows: Record<string, unknown>[] }
      ).rows;
    },
  };
}
