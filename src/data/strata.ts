/** The public types of the data cache. */
import type { DataReader } from "../core/data-reader.ts";
import type { PurgeTargets } from "../core/invalidation-key.ts";

/**
 * The isolates that an invalidation reaches: all of them with a shared store, otherwise those of the
 * data centre in which it was made.
 */
export type Reach = "everywhere" | "data-centre";

/** The part of an execution context that the cache needs: it keeps work alive after the response. */
export interface Lifetime {
  waitUntil(work: Promise<unknown>): void;
}

/** Where work runs. */
export interface Place {
  /**
   * The region whose isolates share loads: the code of the continent, `request.cf.continent` in lower case.
   * @default "local"
   */
  readonly region?: string;
}

/** Reads, writes and invalidates values. `strata.open` returns it. */
export interface Cache extends DataReader {
  /**
   * Invalidates the values under these keys.
   *
   * @throws {CacheUnavailable} if the log did not acknowledge the invalidation. This isolate does not
   * serve the values any more, and tells the log once it answers again.
   */
  invalidate(...keys: readonly string[]): Promise<void>;
  /** Invalidates every value that has one of these tags. @throws as `invalidate` does */
  invalidateTags(...tags: readonly string[]): Promise<void>;
  /** Invalidates by tags, keys, prefixes of keys, or everything. @throws as `invalidate` does */
  purge(targets: PurgeTargets): Promise<void>;
}

/** The data cache of one isolate. `createStrata` returns it. */
export interface Strata {
  readonly namespace: string;
  /** The isolates that an invalidation reaches. */
  readonly reach: Reach;
  /**
   * Returns the cache for one request, one run of a cron trigger, one batch of a queue, one call of an
   * RPC method, or one event of a Durable Object. `lifetime` is the execution context (`ctx`) or the
   * state of the Durable Object. Without it, the platform's own `waitUntil` keeps work alive.
   *
   * @example
   * const greeting = definePolicy({ freshFor: "5m" });
   * const strata = createStrata();
   *
   * export default {
   *   async fetch(request, env, ctx) {
   *     const cache = strata.open(ctx);
   *     const { value } = await cache.read(key("greeting", "ada"), greeting, async () => "Hello, Ada");
   *     return new Response(value);
   *   },
   * } satisfies ExportedHandler;
   */
  open(lifetime?: Lifetime, place?: Place): Cache;
}
