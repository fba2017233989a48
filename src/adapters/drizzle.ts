/**
 * Caches the queries of a database of drizzle-orm (`$withCache`).
 *
 * drizzle-orm calls `onMutate` beside the statement, not after it, and tells a cache nothing of transactions. A
 * reader could then store a row of before the write as one of after it. This adapter therefore observes the
 * session of the database: a statement invalidates when it has ended, and a transaction when it is over.
 */
import type { MutationOption } from "drizzle-orm/cache/core";
import type { WithCacheConfig } from "drizzle-orm/cache/core/types";
import { DefinitionError } from "../core/faults.ts";
import { definePolicy, type PolicyOptions } from "../core/policy.ts";
import type { Strata } from "../data/strata.ts";
import {
  executionOf,
  namesIn,
  type CacheParts,
  type QueryCache,
  type Statement,
} from "./drizzle-execution.ts";
import { identityOf, tablesChangedInWith } from "./drizzle-values.ts";
import { valuesOf } from "./values.ts";

/** The options of `withCache`. */
export interface DrizzleCacheOptions extends Pick<
  PolicyOptions,
  "coherence" | "tiers" | "onUnreachable" | "unreachableFor"
> {
  /**
   * A name for the database and the role that reads it. The key of a result is this name with the query and its
   * parameters, so that databases of several tenants, or roles that see different rows, need different names.
   */
  readonly database: string;
  /**
   * Which queries are cached: those with `$withCache()`, or all but those with `$withCache(false)`.
   * @default "explicit"
   */
  readonly strategy?: "explicit" | "all";
  /** The lifetime of a result whose `$withCache` has no `config`. @default "1m" */
  readonly freshFor?: PolicyOptions["freshFor"];
}

/** A prepared query of drizzle-orm, of any dialect. */
interface Prepared {
  cache?: QueryCache;
  cacheConfig?: WithCacheConfig | undefined;
  readonly authToken?: unknown;
  execute(values?: unknown, token?: unknown): unknown;
  queryMetadata?: { readonly type: string; readonly tables: readonly string[] } | undefined;
  queryWithCache<T>(text: string, params: unknown[], query: () => Promise<T>): Promise<T>;
}

/** A session of drizzle-orm, of any dialect. */
interface Session {
  cache: QueryCache;
  prepareQuery(...args: unknown[]): Prepared;
  transaction(work: (tx: Transaction) => unknown, ...config: unknown[]): Promise<unknown>;
  batch?(queries: unknown): Promise<unknown>;
}

interface Transaction {
  session: Session;
  readonly _: { session?: Session };
}

/**
 * Gives a database of drizzle-orm a cache. Call it once for each database object, before the first query.
 * Returns the same object.
 *
 * @throws {DefinitionError} if `db` has no session of drizzle-orm 0.45
 * @example
 * import { drizzle } from "drizzle-orm/neon-http";
 *
 * const strata = createStrata({ namespace: "shop" });
 * const db = withCache(drizzle("postgresql://user:password@host.example/shop"), strata, { database: "shop" });
 * const rows = await db.select().from(products).$withCache();
 */
export function withCache<D extends object>(
  db: D,
  strata: Strata,
  options: DrizzleCacheOptions,
): D {
  const { database: name, strategy = "explicit", freshFor = "1m", ...rest } = options;
  const policy = definePolicy({ ...rest, freshFor, flight: "isolate" });
  const database = db as { _?: { session?: Session }; session?: Session; $cache?: object };
  const session = database._?.session ?? database.session;
  if (typeof session?.prepareQuery !== "function")
    throw new DefinitionError("db", "must be a database of drizzle-orm 0.45");
  const values = valuesOf(strata);
  const names = namesIn(name);
  observe(session, { values, names, policy, strategy });
  database.$cache = {
    invalidate: (mutation: MutationOption) => values.purge(names.targetsOf(mutation)),
  };
  return db;
}

function observe(session: Session, parts: CacheParts): void {
  const { values, names } = parts;
  const prepare = session.prepareQuery;
  const { transaction, batch } = session;
  /** The tables that the statements of the batch change, which drizzle-orm prepares in one turn. */
  let inBatch: Set<string> | undefined;

  session.cache = executionOf(parts);

  session.prepareQuery = function prepareQuery(this: Session, ...args) {
    const prepared = prepare.apply(this, args);
    const text = textOf(args[0]);
    if (inBatch !== undefined) for (const table of changedBy(prepared, text)) inBatch.add(table);
    return withExecutions(prepared, parts);
  };

  session.transaction = async (work, ...config) => {
    const changed = new Set<string>();
    const run = (tx: Transaction): unknown => {
      const own = tx.session === session ? { base: session, prepare } : { base: tx.session };
      const uncached = withoutCache(own.base, own.prepare ?? own.base.prepareQuery, changed);
      tx.session = uncached;
      tx._.session = uncached;
      return work(tx);
    };
    try {
      return await transaction.call(session, run, ...config);
    } finally {
      // Also after an error: the database may have committed, and its answer was lost.
      await values.purgeCommitted(names.targetsOf({ tables: [...changed] }));
    }
  };

  if (batch === undefined) return;
  session.batch = async (queries) => {
    const changed = new Set<string>();
    inBatch = changed;
    let running: Promise<unknown>;
    try {
      running = batch.call(session, queries);
    } finally {
      inBatch = undefined;
    }
    try {
      return await running;
    } finally {
      await values.purgeCommitted(names.targetsOf({ tables: [...changed] }));
    }
  };
}

/** Gives each execution of a prepared query a cache of its own, which knows the log position of that execution. */
function withExecutions(prepared: Prepared, parts: CacheParts): Prepared {
  const run = prepared.queryWithCache;
  prepared.queryWithCache = function queryWithCache<T>(
    this: Prepared,
    text: string,
    params: unknown[],
    query: () => Promise<T>,
  ) {
    let ended: Promise<unknown> | undefined;
    const observed = () => {
      const running = query();
      ended = running.catch(() => undefined);
      return running;
    };
    const statement: Statement = {
      text,
      params,
      isKeptCurrent: isKeptCurrent(this),
      end: () => ended,
    };
    const cache = executionOf(parts, statement);
    const hidden = tablesChangedInWith(text);
    const isCached = hidden.length === 0 && identityOf(text, params) !== undefined;
    const own = Object.create(this, {
      cache: { value: cache },
      ...(!isCached && { cacheConfig: { value: undefined } }),
    }) as Prepared;
    const answer = run.call(own, text, params, observed) as Promise<T>;
    return hidden.length === 0 ? answer : withPurge(answer, parts, hidden);
  };
  const execute = prepared.execute;
  prepared.execute = function executeFor(this: Prepared, values, token = this.authToken) {
    // Row-level security: with a token (`$withAuth`), the rows are those of one user.
    const own = token === undefined ? this : uncachedOf(this);
    return execute.call(own, values, token);
  };
  return prepared;
}

/** Invalidates the results of tables when a statement has ended, and then returns its answer. */
async function withPurge<T>(
  answer: Promise<T>,
  { values, names }: CacheParts,
  tables: readonly string[],
): Promise<T> {
  try {
    return await answer;
  } finally {
    await values.purgeCommitted(names.targetsOf({ tables: [...tables] }));
  }
}

function uncachedOf(prepared: Prepared): Prepared {
  return Object.create(prepared, { cacheConfig: { value: undefined } }) as Prepared;
}

/** Returns the session of a transaction: its reads do not see the cache, and its writes are collected. */
function withoutCache(
  session: Session,
  prepare: Session["prepareQuery"],
  changed: Set<string>,
): Session {
  const own = Object.create(session) as Session;
  own.prepareQuery = (...args) => {
    const prepared = prepare.apply(own, args);
    // A transaction sees its own changes and its snapshot, and others must not.
    prepared.cacheConfig = undefined;
    prepared.cache = COLLECTED;
    const run = prepared.queryWithCache;
    prepared.queryWithCache = function queryWithCache<T>(
      this: Prepared,
      text: string,
      params: unknown[],
      query: () => Promise<T>,
    ) {
      for (const table of changedBy(this, text)) changed.add(table);
      return run.call(this, text, params, query) as Promise<T>;
    };
    return prepared;
  };
  return own;
}

/** The cache inside a transaction: the tables are collected elsewhere, and purged after the transaction. */
const COLLECTED: QueryCache = {
  strategy: () => "explicit",
  get: async () => undefined,
  put: async () => undefined,
  onMutate: async () => undefined,
};

/** Returns the text of the query that `prepareQuery` gets. */
function textOf(query: unknown): string {
  const { sql } = (query ?? {}) as { readonly sql?: unknown };
  return typeof sql === "string" ? sql : "";
}

function isKeptCurrent({ cacheConfig }: Prepared): boolean {
  return cacheConfig?.autoInvalidate !== false;
}

function changedBy({ queryMetadata }: Prepared, text: string): readonly string[] {
  const named =
    queryMetadata === undefined || queryMetadata.type === "select" ? [] : queryMetadata.tables;
  return [...named, ...tablesChangedInWith(text)];
}
