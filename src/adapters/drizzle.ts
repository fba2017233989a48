/**
 * Caches the queries of a database of drizzle-orm (`$withCache`).
 *
 * drizzle-orm calls `onMutate` beside the statement, not after it, and tells a cache nothing of transactions. A
 * reader could then store a row of before the write as one of after it. This adapter therefore observes the
 * session of the database: a statement invalidates when it has ended, and a transaction when it is over.
 */
import type { Cache, MutationOption } from "drizzle-orm/cache/core";
import type { CacheConfig, WithCacheConfig } from "drizzle-orm/cache/core/types";
import { DefinitionError } from "../core/faults.ts";
import { key } from "../core/key.ts";
import type { PurgeTargets } from "../core/invalidation-key.ts";
import { definePolicy, type Policy, type PolicyOptions } from "../core/policy.ts";
import type { Strata } from "../data/strata.ts";
import { lifetimeOf, namesOf, rowsText } from "./drizzle-values.ts";
import { valuesOf, type Since, type Values } from "./values.ts";

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

/** The members of a cache that drizzle-orm calls. */
type QueryCache = Pick<Cache, "strategy" | "get" | "put" | "onMutate">;

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
 * const strata = createStrata();
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

interface CacheParts {
  readonly values: Values;
  readonly names: Names;
  readonly policy: Policy;
  readonly strategy: "explicit" | "all";
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
    if (inBatch !== undefined) for (const table of changedBy(prepared)) inBatch.add(table);
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
    const cache = executionOf(parts, () => ended);
    const own = Object.create(this, { cache: { value: cache } }) as Prepared;
    return run.call(own, text, params, observed) as Promise<T>;
  };
  const execute = prepared.execute;
  prepared.execute = function executeFor(this: Prepared, values, token = this.authToken) {
    // Row-level security: with a token (`$withAuth`), the rows are those of one user.
    const own = token === undefined ? this : uncachedOf(this);
    return execute.call(own, values, token);
  };
  return prepared;
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
      for (const table of changedBy(this)) changed.add(table);
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

/**
 * Returns the cache for one execution of a query. drizzle-orm calls `get`, runs the query and calls `put`, or runs
 * a statement and calls `onMutate` in the same turn.
 */
function executionOf(
  { values, names, policy, strategy }: CacheParts,
  endOfStatement: () => Promise<unknown> | undefined = () => undefined,
): QueryCache {
  let since: Since | undefined;
  return {
    strategy: () => strategy,

    async get(name, _tables, isTag) {
      const found = await values.find(names.keyOf(name, isTag), policy);
      since = found.since;
      return found.entry && (JSON.parse(String(found.entry.body)) as unknown[]);
    },

    async put(name, response: unknown, tables, isTag, config?: CacheConfig) {
      // Without a `get` before the query, nothing tells how old the rows are.
      if (since === undefined) return;
      const body = rowsText(response);
      const freshForMs = lifetimeOf(config, since.startedAt);
      if (body === undefined || freshForMs === 0) return;
      const tags = tables.map(names.tagOf);
      values.put({ key: names.keyOf(name, isTag), policy, body, tags, freshForMs }, since);
    },

    async onMutate(mutation) {
      await endOfStatement();
      await values.purgeCommitted(names.targetsOf(mutation));
    },
  };
}

function changedBy({ queryMetadata }: Prepared): readonly string[] {
  return queryMetadata === undefined || queryMetadata.type === "select" ? [] : queryMetadata.tables;
}

/** The keys and tags of one database. */
interface Names {
  /** With a tag, drizzle-orm uses the tag in place of the hash of the query. */
  keyOf(name: string, isTag: boolean): string;
  tagOf(table: string): string;
  targetsOf(mutation: MutationOption): PurgeTargets;
}

function namesIn(database: string): Names {
  if (database === "") throw new DefinitionError("database", "must not be empty");
  const keyOf: Names["keyOf"] = (name, isTag) =>
    key(isTag ? "drizzle-tag" : "drizzle", database, name);
  const tagOf: Names["tagOf"] = (table) => `${key("drizzle", database)}:${table}`;
  return {
    keyOf,
    tagOf,
    targetsOf: ({ tables, tags }) => ({
      tags: namesOf(tables).map(tagOf),
      keys: [tags ?? []].flat().map((tag) => keyOf(tag, true)),
    }),
  };
}
