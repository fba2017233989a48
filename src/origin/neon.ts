import type { ExtractTablesWithRelations } from "drizzle-orm";
import type { BatchItem, BatchResponse } from "drizzle-orm/batch";
import {
  NeonHttpSession,
  type NeonHttpClient,
  type NeonHttpQueryResultHKT,
} from "drizzle-orm/neon-http/session";
import { PgDatabase, PgDialect, type PreparedQueryConfig } from "drizzle-orm/pg-core";
import { outcomeOf, type Breaker, type Defer } from "../core/breaker.ts";
import { done, type FaultCode } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import { createLateClient } from "./late-client.ts";
import type { SqlServer } from "./sql-server.ts";
import { isMistake, OriginFault, toOriginFault } from "./fault.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";

/** One request to Postgres. A batch is one request with several queries. */
export interface SqlRequest {
  readonly queries: number;
  readonly startedAt: EpochMs;
  readonly ms: Millis;
  readonly outcome: "ok" | FaultCode;
}

export interface DatabaseOptions extends SqlServer {
  readonly now: Clock;
  /** Called when a request has ended. */
  readonly onQuery?: (request: SqlRequest) => void;
  /** Refuses requests while the database fails. Default: every request is sent. */
  readonly breaker?: Breaker;
  /**
   * Keeps requests and the probe of the breaker alive after the response. Without it, a request of the caller is
   * the probe.
   */
  readonly keepAlive?: Defer;
}

/** The drizzle client that uses Neon's HTTP protocol. Every error that it throws is an OriginFault. */
export interface Database extends PgDatabase<NeonHttpQueryResultHKT> {
  /** Runs queries in one request, as one transaction. */
  batch<U extends BatchItem<"pg">, T extends Readonly<[U, ...U[]]>>(
    queries: T,
  ): Promise<BatchResponse<T>>;
}

/**
 * Creates a database client. Each request has a deadline. While the breaker is open, queries throw an
 * OriginFault with the code `origin.open`, and no request is sent.
 *
 * @example const db = createDatabase({ databaseUrl, timeoutMs: 5_000, now: Date.now });
 */
export function createDatabase(options: DatabaseOptions): Database {
  const { now, onQuery, breaker, keepAlive } = options;
  const client = createLateClient(options);

  /**
   * Runs a request to its end, also if its reader gets an answer before: a load ends a moment before its
   * request, and a breaker that does not see the end of requests that hang never opens.
   */
  function run<T>(queries: number, call: () => Promise<T>): Promise<T> {
    const running = guard(queries, call);
    keepAlive?.(running.catch(() => undefined));
    return running;
  }

  async function guard<T>(queries: number, call: () => Promise<T>): Promise<T> {
    const admitted = breaker?.begin(keepAlive);
    if (admitted?.ok === false) throw new OriginFault(admitted.fault);
    const startedAt = now();
    const end = (outcome: "ok" | FaultCode) =>
      onQuery?.({ queries, startedAt, ms: now() - startedAt, outcome });
    try {
      const value = await call();
      admitted?.value.end("answered");
      end("ok");
      return value;
    } catch (error) {
      const failure = toOriginFault(error);
      admitted?.value.end(isMistake(error) ? "ignored" : outcomeOf(failure.fault));
      end(failure.fault.code);
      throw failure;
    }
  }

  const dialect = new PgDialect();
  return new HttpDatabase(dialect, new Session(client, dialect, run));
}

/** Creates the probe of the database's breaker: a query that reads no table. */
export function createSqlProbe(server: SqlServer): () => Promise<Result<void>> {
  const client = createLateClient(server);
  return async () => {
    try {
      await client.query("select 1");
      return done(undefined);
    } catch (error) {
      return { ok: false, fault: toOriginFault(error).fault };
    }
  };
}

type Run = <T>(queries: number, call: () => Promise<T>) => Promise<T>;

type NoSchema = Record<string, never>;
type BaseSession = NeonHttpSession<NoSchema, ExtractTablesWithRelations<NoSchema>>;

/** Stands in place of `NeonHttpDatabase`, whose module loads the driver when an isolate starts. */
class HttpDatabase extends PgDatabase<NeonHttpQueryResultHKT, NoSchema> implements Database {
  /** No private name: an application may put a Proxy before its database. */
  private readonly httpSession: Session;

  constructor(dialect: PgDialect, session: Session) {
    super(dialect, session, undefined);
    this.httpSession = session;
  }

  batch<U extends BatchItem<"pg">, T extends Readonly<[U, ...U[]]>>(
    queries: T,
  ): Promise<BatchResponse<T>> {
    return this.httpSession.batch(queries);
  }
}

/** Measures the time of drizzle's queries and batches. Each of them goes through one of these two methods. */
class Session extends NeonHttpSession<NoSchema, ExtractTablesWithRelations<NoSchema>> {
  readonly #run: Run;

  constructor(client: NeonHttpClient, dialect: PgDialect, run: Run) {
    super(client, dialect, undefined);
    this.#run = run;
  }

  override prepareQuery<T extends PreparedQueryConfig = PreparedQueryConfig>(
    ...args: Parameters<BaseSession["prepareQuery"]>
  ) {
    const prepared = super.prepareQuery<T>(...args);
    const execute = prepared.execute.bind(prepared);
    prepared.execute = (values) => this.#run(1, () => execute(values));
    return prepared;
  }

  override batch(queries: Parameters<BaseSession["batch"]>[0]) {
    return this.#run(queries.length, () => super.batch(queries));
  }
}
