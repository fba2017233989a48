/** The public types of the data cache. */
import type { Cache } from "./cache.ts";
import type { Wrap } from "./wrap.ts";

/**
 * The isolates that an invalidation reaches: all of them with a shared store, otherwise those of the
 * data centre in which it was made.
 */
export type Reach = "everywhere" | "data-centre";

/** The part of an execution context that the cache needs: it keeps work alive after the response. */
export interface Lifetime {
  /** Keeps the isolate alive until `work` has ended. */
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

/** The part of a cache by which a program opens it. */
export interface Openable {
  /**
   * Returns the cache for one request, one run of a cron trigger, one batch of a queue, one call of an
   * RPC method, or one event of a Durable Object. `lifetime` is the execution context (`ctx`) or the
   * state of the Durable Object. Without it, the platform's own `waitUntil` keeps work alive.
   *
   * @example
   * const greeting = definePolicy({ freshFor: "5m" });
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
  /**
   * Returns a function that answers from the cache and calls `fn` for what the cache lacks. Arguments
   * are JSON values, dates or BigInts; they name the entry. Values are JSON by default: a `Date` in a
   * result becomes a text. The function works wherever `open()` without a lifetime does.
   *
   * @example
   * const productOf = strata.wrap(async (id: number) => ({ id, name: "Lamp" }), {
   *   name: "product",
   *   policy: { freshFor: "1h" },
   *   tags: (id) => [`product-${id}`],
   * });
   * await productOf(42);
   * await productOf.invalidate(42);
   */
  readonly wrap: Wrap;
}

/** The data cache of one isolate. `createStrata` returns it. */
export interface Strata extends Openable {
  /** The prefix of everything that the application stores. */
  readonly namespace: string;
  /** The isolates that an invalidation reaches. */
  readonly reach: Reach;
}
