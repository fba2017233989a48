/**
 * The overrides of OpenNext for an application of Next.js on Workers: the incremental cache and the tag cache. The
 * types are structural, so that the layer does not depend on OpenNext; test/apps/opennext compares them with its own.
 */
import { createBoundedMap } from "../core/bounded-map.ts";
import { key } from "../core/key.ts";
import { definePolicy, type PolicyOptions } from "../core/policy.ts";
import { sha256Hex } from "../core/sha256.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Strata } from "../data/strata.ts";
import { valuesOf, type Since } from "./values.ts";

/** The options of `openNext`. */
export interface OpenNextOptions extends Pick<
  PolicyOptions,
  "coherence" | "tiers" | "onUnreachable" | "unreachableFor"
> {
  /** The build, so that a new one starts without pages: `OPEN_NEXT_BUILD_ID`. @default "no-build" */
  readonly buildId?: string;
}

/** A kind of entry of OpenNext. */
export type OpenNextCacheType = "cache" | "fetch" | "composable";

/** The incremental cache, in the form of OpenNext's `IncrementalCache`. */
export interface OpenNextIncrementalCache {
  /** The name that OpenNext logs. */
  readonly name: string;
  /** Returns a stored page, fetch or result. Null if there is none, or if one of its tags was revalidated. */
  get<V extends object>(name: string, type?: OpenNextCacheType): Promise<OpenNextEntry<V> | null>;
  /** Stores a page, fetch or result, unless one of its tags was revalidated since the `get` before it. */
  set(name: string, value: object, type?: OpenNextCacheType): Promise<void>;
  /** Invalidates a page, fetch or result in every isolate. */
  delete(name: string): Promise<void>;
}

/** The entry of the incremental cache under a name. */
export interface OpenNextEntry<V extends object> {
  /** The page, fetch or result in the form in which OpenNext gave it to `set`. */
  readonly value: V;
  /** The instant at which the page was begun. */
  readonly lastModified: EpochMs;
}

/** A tag of `revalidateTag`. With an `expire` that is to come, its pages are stale until then. */
export type OpenNextTag =
  | string
  | { readonly tag: string; readonly stale?: EpochMs; readonly expire?: EpochMs };

/** The tag cache, in the form of OpenNext's `NextModeTagCache`. */
export interface OpenNextTagCache {
  /** The name that OpenNext logs. */
  readonly name: string;
  /** The kind of tag cache, as OpenNext names it. */
  readonly mode: "nextMode";
  /** Returns the instant of the last revalidation of the tags. 0 if there was none. */
  getLastRevalidated(tags: readonly string[]): Promise<EpochMs>;
  /** Whether a tag was revalidated after `lastModified`, so that the page is invalid. */
  hasBeenRevalidated(tags: readonly string[], lastModified?: EpochMs): Promise<boolean>;
  /** Whether a tag became stale after `lastModified`, so that the page is served and rendered again. */
  isStale(tags: readonly string[], lastModified?: EpochMs): Promise<boolean>;
  /** Revalidates the tags. @throws {CacheUnavailable} if the log did not acknowledge it */
  writeTags(tags: readonly OpenNextTag[]): Promise<void>;
}

/** Pages live until they are revalidated. The log keeps its numbers for 7 days, and no entry lives longer. */
const FRESH_FOR = "6d";
const STALE_FOR = "1d";
/** Renders of one isolate that have begun and not ended. */
const MAX_RENDERS = 1_000;
const MAX_RENDERS_OF_PAGE = 8;
const MAX_RENDER_MS: Millis = 5 * 60_000;
/** A tag of the cache has at most 256 characters. Tags that are equal so far are invalidated together. */
const MAX_TAG = 250;

/**
 * Makes the incremental cache and the tag cache of OpenNext. `revalidateTag` and `revalidatePath` reach every
 * isolate within the coherence bound; a page that was begun before them, and ends after them, is not stored.
 *
 * @example
 * const strata = createStrata({ namespace: "shop" });
 * const { incrementalCache, tagCache } = openNext(strata, { buildId: "2026-11-28" });
 */
export function openNext(
  strata: Strata,
  options: OpenNextOptions = {},
): { readonly incrementalCache: OpenNextIncrementalCache; readonly tagCache: OpenNextTagCache } {
  const { buildId = "no-build", ...rest } = options;
  const policy = definePolicy({
    ...rest,
    freshFor: FRESH_FOR,
    staleWhileRevalidate: STALE_FOR,
    flight: "isolate",
    jitter: 0,
  });
  const values = valuesOf(strata);
  const renders = createBoundedMap<string, readonly Since[]>(MAX_RENDERS);

  const keyOf = async (name: string, type: OpenNextCacheType = "cache") =>
    key("next", buildId, type, await sha256Hex(name));

  /** Notes that a page may be rendered from now on. */
  function begin(pageKey: string, since: Since): void {
    const running = (renders.get(pageKey) ?? []).filter(
      ({ startedAt }) => since.startedAt - startedAt < MAX_RENDER_MS,
    );
    if (running.length < MAX_RENDERS_OF_PAGE) renders.set(pageKey, [...running, since]);
  }

  /** Returns the beginning of the oldest render of a page, which may be the one that ends now. */
  function end(pageKey: string): Since | undefined {
    const [oldest, ...others] = renders.get(pageKey) ?? [];
    if (others.length > 0) renders.set(pageKey, others);
    else renders.delete(pageKey);
    return oldest;
  }

  const incrementalCache: OpenNextIncrementalCache = {
    name: "strata",

    async get<V extends object>(
      name: string,
      type?: OpenNextCacheType,
    ): Promise<OpenNextEntry<V> | null> {
      const pageKey = await keyOf(name, type);
      const { entry, stale, since } = await values.find(pageKey, policy);
      if (entry === undefined) {
        begin(pageKey, since);
        return null;
      }
      const value = JSON.parse(String(entry.body)) as V;
      const lastModified = entry.storedAt - entry.loadCost;
      if (stale || isOverdue(value, lastModified, since.startedAt)) begin(pageKey, since);
      return { value, lastModified };
    },

    async set(name, value, type) {
      const pageKey = await keyOf(name, type);
      const tags = tagsIn(value).map(tagOf);
      const body = JSON.stringify(value);
      await values.replace({ key: pageKey, policy, body, tags }, end(pageKey));
    },

    // OpenNext deletes pages only.
    delete: async (name) => values.purge({ keys: [await keyOf(name)] }),
  };

  const revalidated = (tags: readonly string[], lastModified: EpochMs | undefined) =>
    tags.length === 0 || lastModified === undefined
      ? undefined
      : values.invalidatedSince(tags.map(tagOf), lastModified, policy);

  const tagCache: OpenNextTagCache = {
    name: "strata",
    mode: "nextMode",
    getLastRevalidated: async (tags) =>
      tags.length === 0 ? 0 : values.lastInvalidated(tags.map(tagOf)),
    hasBeenRevalidated: async (tags, lastModified) =>
      (await revalidated(tags, lastModified)) === "hard",
    isStale: async (tags, lastModified) => (await revalidated(tags, lastModified)) === "soft",

    async writeTags(tags) {
      const now = values.now();
      const soft = tags.filter((tag) => typeof tag !== "string" && (tag.expire ?? 0) > now);
      const hard = tags.filter((tag) => !soft.includes(tag));
      await values.purge({ tags: hard.map(nameOf) });
      await values.purge({ tags: soft.map(nameOf), soft: true });
    },
  };

  return { incrementalCache, tagCache };
}

const tagOf = (tag: string): string => `next:${tag}`.slice(0, MAX_TAG);
const nameOf = (tag: OpenNextTag): string => tagOf(typeof tag === "string" ? tag : tag.tag);

/** Returns the tags of a page (a header of its meta), of a fetch, or of a function with `use cache`. */
function tagsIn(value: object): readonly string[] {
  const { meta, tags, data } = value as {
    meta?: { headers?: Record<string, unknown> };
    tags?: unknown;
    data?: { tags?: unknown };
  };
  const header = meta?.headers?.["x-next-cache-tags"];
  const all = [
    ...(typeof header === "string" ? header.split(",") : []),
    ...(Array.isArray(tags) ? tags : []),
    ...(Array.isArray(data?.tags) ? data.tags : []),
  ];
  return [...new Set(all.filter((tag): tag is string => typeof tag === "string" && tag !== ""))];
}

/** Whether a page has its own time of revalidation, in seconds, and it is over. Next then renders it again. */
function isOverdue(value: object, lastModified: EpochMs, now: EpochMs): boolean {
  const { revalidate } = value as { readonly revalidate?: unknown };
  return typeof revalidate === "number" && now >= lastModified + revalidate * 1_000;
}
