import type { LoadResult } from "../../core/entry.ts";
import type { CacheStatusFields } from "../cache/cache-status.ts";
import type { Context } from "../../core/context.ts";
import type { DataReader } from "../../core/data-reader.ts";
import type { Lookup } from "../../core/lookup.ts";
import type { Engine } from "../../engine/lookup.ts";
import type { DependencyCollector } from "../../engine/dependency-collector.ts";

/** What a request carries: `c.var.strata`. */
export interface RequestScope {
  readonly ctx: Context;
  /** Reads data inside a handler; inside a cached route the two are combined. */
  readonly cache: DataReader;
  /** Adds tags found in the result to the route's entry that is being made. */
  tag(...tags: readonly string[]): void;
  readonly engine: Engine;
  /** The collector of the load that runs in this request, if one does. */
  collector: DependencyCollector | undefined;
  /** What a refresh in the background hands back to whoever asked for it. */
  readonly refreshing: Refreshing | undefined;
  /** The route's own lookup. */
  route: Lookup | undefined;
  /** What the answer says of itself, where the lookups do not say it all. */
  cacheStatusOverride: CacheStatusFields | undefined;
  /** Lookups of data outside any cached route. */
  readonly lookups: Lookup[];
  /** Whether a rate limit has told where its caller stands. */
  limited: boolean;
  /** Runs this request again, for its route's entry alone. */
  redispatch(key: string): Promise<LoadResult>;
}

/** The in-process marker of a request that runs for the sake of the cache. */
export interface Refreshing {
  /** Of the request that wants it: what runs for its sake has its place at the origin. */
  readonly ctx: Context;
  readonly key: string;
  loaded: LoadResult | undefined;
}

export interface StrataEnv {
  Variables: { strata: RequestScope };
}
