/** The cache of one execution of a query, as drizzle-orm calls it, with its keys and tags. */
import type { Cache, MutationOption } from "drizzle-orm/cache/core";
import type { CacheConfig } from "drizzle-orm/cache/core/types";
import { DefinitionError } from "../core/faults.ts";
import { key } from "../core/key.ts";
import type { PurgeTargets } from "../core/invalidation-key.ts";
import type { Policy } from "../core/policy.ts";
import { sha256Hex } from "../core/sha256.ts";
import { identityOf, lifetimeOf, namesOf, rowsText, tablesRead } from "./drizzle-values.ts";
import type { Since, Values } from "./values.ts";

/** The members of a cache that drizzle-orm calls. */
export type QueryCache = Pick<Cache, "strategy" | "get" | "put" | "onMutate">;

export interface CacheParts {
  readonly values: Values;
  readonly names: Names;
  readonly policy: Policy;
  readonly strategy: "explicit" | "all";
}

/** One execution of a query or statement. */
export interface Statement {
  readonly text: string;
  readonly params: readonly unknown[];
  /** Whether writes of the tables that it reads end its result. */
  readonly isKeptCurrent: boolean;
  /** Returns the end of its request to the database; undefined before the request. */
  end(): Promise<unknown> | undefined;
}

/** The statement of a cache that no execution uses. */
const NO_STATEMENT: Statement = {
  text: "",
  params: [Symbol("none")],
  isKeptCurrent: true,
  end: () => undefined,
};

/**
 * Returns the cache for one execution of a query. drizzle-orm calls `get`, runs the query and calls `put`, or runs
 * a statement and calls `onMutate` in the same turn. The key of a result is the query with its parameters, also
 * with a tag: drizzle-orm would give all queries with one tag one result.
 */
export function executionOf(
  { values, names, policy, strategy }: CacheParts,
  { text, params, isKeptCurrent: isCurrent, end }: Statement = NO_STATEMENT,
): QueryCache {
  let since: Since | undefined;
  const identity = identityOf(text, params);
  return {
    strategy: () => strategy,

    async get() {
      if (identity === undefined) return undefined;
      const found = await values.find(await names.keyOf(identity), policy);
      since = found.since;
      return found.entry && (JSON.parse(String(found.entry.body)) as unknown[]);
    },

    async put(name, response: unknown, tables, isTag, config?: CacheConfig) {
      // Without a `get` before the query, nothing tells how old the rows are.
      if (since === undefined || identity === undefined) return;
      const body = rowsText(response);
      const freshForMs = lifetimeOf(config, since.startedAt);
      if (body === undefined || freshForMs === 0) return;
      const read = isCurrent ? [...new Set([...tables, ...tablesRead(text)])] : [];
      // A result that no write would end is not kept, unless the program has asked for that.
      if (isCurrent && read.length === 0) return;
      const tags = [...read.map(names.tagOf), ...(isTag ? [names.tagOfGroup(name)] : [])];
      values.put({ key: await names.keyOf(identity), policy, body, tags, freshForMs }, since);
    },

    async onMutate(mutation) {
      await end();
      await values.purgeCommitted(names.targetsOf(mutation));
    },
  };
}

/** The keys and tags of one database. */
export interface Names {
  /** Returns the key of a query with its parameters. */
  keyOf(identity: string): Promise<string>;
  tagOf(table: string): string;
  /** Returns the tag of the results with a tag of `$withCache`. */
  tagOfGroup(tag: string): string;
  targetsOf(mutation: MutationOption): PurgeTargets;
}

export function namesIn(database: string): Names {
  if (database === "") throw new DefinitionError("database", "must not be empty");
  const tagOf: Names["tagOf"] = (table) => `${key("drizzle", database)}:${table}`;
  const tagOfGroup: Names["tagOfGroup"] = (tag) => `${key("drizzle-tag", database)}:${tag}`;
  return {
    keyOf: async (identity) => key("drizzle", database, await sha256Hex(identity)),
    tagOf,
    tagOfGroup,
    targetsOf: ({ tables, tags }) => ({
      tags: [...namesOf(tables).map(tagOf), ...[tags ?? []].flat().map(tagOfGroup)],
    }),
  };
}
