import { neon, neonConfig } from "@neondatabase/serverless";
import type { ExtractTablesWithRelations } from "drizzle-orm";
import { NeonHttpDatabase, NeonHttpSession, type NeonHttpClient } from "drizzle-orm/neon-http";
import { PgDialect, type PreparedQueryConfig } from "drizzle-orm/pg-core";
import { outcomeOf, type Breaker, type Defer } from "../core/breaker.ts";
import { done, messageOf, type FaultCode } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import { isMistake, OriginFault, originFault, toOriginFault } from "./fault.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";

/** The drizzle client that uses Neon's HTTP protocol. Every error that it throws is an OriginFault. */
export type Database = NeonHttpDatabase;

/** One request to Postgres. A batch is one request with several queries. */
export interface SqlRequest {
  readonly queries: number;
  readonly startedAt: EpochMs;
  readonly ms: Millis;
  readonly outcome: "ok" | FaultCode;
}

/** The address of the database and the time limit of its requests. */
export interface SqlServer {
  readonly databaseUrl: string;
  /** The URL to which requests are sent instead of the host in `databaseUrl`. Only local services need it. */
  readonly neonEndpoint?: string;
  /** The time limit of a request. It ends when the last byte of the answer has arrived. */
  readonly timeoutMs: Millis;
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

/**
 * Creates a database client. Each request has a deadline. While the breaker is open, queries throw an
 * OriginFault with the code `origin.open`, and no request is sent.
 *
 * @example const db = createDatabase({ databaseUrl, timeoutMs: 5_000, now: Date.now });
 */
export function createDatabase(options: DatabaseOptions): Database {
  const { now, onQuery, breaker, keepAlive } = options;
  const client = createClient(options);

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
  return new NeonHttpDatabase(dialect, new Session(client, dialect, run), undefined);
}

/** Creates the probe of the database's breaker: a query that reads no table. */
export function createSqlProbe(server: SqlServer): () => Promise<Result<void>> {
  const client = createClient(server);
  return async () => {
    try {
      await client.query("select 1");
      return done(undefined);
    } catch (error) {
      return { ok: false, fault: toOriginFault(error).fault };
    }
  };
}

function createClient(server: SqlServer) {
  neonConfig.fetchFunction = callTransport;
  // The settings of the driver are global, so each client passes its own transport with every request.
  return neon(server.databaseUrl, { fetchOptions: { send: createTransport(server) } });
}

type Run = <T>(queries: number, call: () => Promise<T>) => Promise<T>;

type NoSchema = Record<string, never>;
type BaseSession = NeonHttpSession<NoSchema, ExtractTablesWithRelations<NoSchema>>;

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

type Send = (url: string, init: RequestInit) => Promise<Response>;

function callTransport(
  url: string,
  { send, ...init }: RequestInit & { send: Send },
): Promise<Response> {
  return send(url, init);
}

function createTransport({ neonEndpoint, timeoutMs }: SqlServer): Send {
  return async (url, init) => {
    let status: number;
    let text: string;
    try {
      const response = await fetch(neonEndpoint ?? url, {
        ...init,
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
      status = response.status;
      // The body is read inside this `try`, so that the deadline of the request covers it too.
      text = await response.text();
    } catch (error) {
      throw isTimeout(error)
        ? originFault("origin.timeout", `no answer within ${timeoutMs} ms`)
        : originFault("origin.unavailable", messageOf(error));
    }
    // The body of a response with status 400 is an error of Postgres, which the driver parses.
    if (status !== 200 && status !== 400) throw originFault("origin.unavailable", `HTTP ${status}`);
    return new Response(text, { status });
  };
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError");
}
