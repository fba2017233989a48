/**
 * Existence filters. They exclude keys that cannot exist, before a tier or the origin is asked.
 * They protect against many requests for made-up ids (cache penetration).
 *
 * A filter knows the keys that existed at one number of the invalidation log. It excludes a key
 * only if its era is the current one, the log view is recent, and none of the key's invalidation
 * keys has a higher number, because every later insert would have given them one. A filter that is
 * missing, too old, of another era or behind the log excludes nothing. A purge of the namespace or of a
 * prefix gives all keys a higher number, so the filter is then built anew in the background.
 */
import { MAX_CHANGES, type Verdict } from "../core/log.ts";
import { decodeFilter, type ExistenceFilter, type FilterStore } from "../core/existence-filter.ts";
import { mayHold } from "../core/bloom.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { SharedStore } from "../core/shared-store.ts";
import {
  derivedInvalidationKeys,
  invalidationKeyOf,
  invalidationKeyOfTag,
  type InvalidationKey,
} from "../core/invalidation-key.ts";
import type { Seq } from "../core/seq.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import {
  createFilterBuilder,
  type ExistenceKind,
  type FilterBuilderOptions,
} from "./existence-build.ts";

/** The existence filters of one isolate. They exclude keys that no row can have. */
export interface Existence {
  /**
   * Returns false only if the key certainly does not exist, so that the caller may answer 404 at
   * once. `tags` are the tags that an insert of the key invalidates.
   *
   * For a key that the filter lacks, the call costs at most one sync in each coherence window and
   * one load of the filter in each reload interval. For all other keys it sends no request, and the
   * answer is no promise.
   */
  mayExist(
    kind: string,
    key: string,
    tags: readonly string[],
    ctx: Context,
  ): boolean | Promise<boolean>;
  /**
   * Reports that a key of this kind was read and does not exist. The isolate then loads the filter
   * of the kind. An isolate that reads only existing keys loads no filter.
   */
  missed(kind: string, ctx: Context): void;
  /** Adds a kind to the kinds whose filters `buildAll` builds. */
  define(kind: ExistenceKind): void;
  /** Builds the filters that are missing or due for a rebuild. The cron trigger calls it. Never rejects. */
  buildAll(ctx: Context): Promise<ReadonlyMap<string, Result<"built" | "young">>>;
}

/** The existence filters with the function for the cron trigger. */
export interface ScheduledExistence extends Existence {
  /**
   * Builds filters like `buildAll`, from the kind `from` on, and begins none after `endsAt`. Returns
   * the kind at which the next call should go on; undefined if all kinds had their turn.
   */
  buildFrom(from: string | undefined, endsAt: EpochMs, ctx: Context): Promise<BuiltFilters>;
}

export interface BuiltFilters {
  readonly results: ReadonlyMap<string, Result<"built" | "young">>;
  readonly next: string | undefined;
}

export interface ExistenceOptions extends FilterBuilderOptions {
  readonly filters: FilterStore;
  readonly store: Pick<SharedStore, "sync">;
  readonly coherence: Coherence;
  /** The log view may be at most this old when a filter excludes a key. */
  readonly coherenceMs: Millis;
  /** An isolate loads the filter again after this time. */
  readonly reloadMs: Millis;
}

/** A filter that this isolate has loaded. */
interface LoadedFilter {
  readonly filter: ExistenceFilter;
  /** The invalidation keys whose number is above the filter's number and at most `changedTo`. */
  readonly changed: ReadonlySet<string>;
  /** The highest number that `changed` covers. The log view knows the numbers above it. */
  readonly changedTo: Seq;
}

interface FilterState {
  loaded: LoadedFilter | undefined;
  loadAfter: EpochMs;
  /** A load that has not ended by then never will: the platform has ended its request. */
  loadsUntil: EpochMs;
  /** This isolate does not ask for a replacement of the filter before then. */
  replaceAfter: EpochMs;
}

/** The verdicts after which the filter stays: an insert may have added the key, and no other key. */
const INVALIDATED: ReadonlySet<Verdict> = new Set(["invalidated", "soft", "unconfirmed"]);
/** An isolate that found no usable filter tries again after this time. */
const RETRY_MS: Millis = 5_000;
/** The time limit of the load of a filter. It makes three requests to Redis. */
const LOAD_MS: Millis = 10_000;
/** While a purge has outdated the filter, an isolate looks for its replacement once in this time. */
const LOOK_MS: Millis = 2_000;

export function createExistence(options: ExistenceOptions): ScheduledExistence {
  const { filters, store, coherence } = options;
  const { coherenceMs, maxAgeMs, reloadMs } = options;
  const builder = createFilterBuilder(options);
  const states = new Map<string, FilterState>();
  const kinds: ExistenceKind[] = [];

  function stateOf(kind: string): FilterState {
    const known = states.get(kind);
    if (known !== undefined) return known;
    const state = { loaded: undefined, loadAfter: 0, loadsUntil: 0, replaceAfter: 0 };
    states.set(kind, state);
    return state;
  }

  async function load(kind: string, state: FilterState, ctx: Context): Promise<void> {
    const until = ctx.now() + LOAD_MS;
    state.loadsUntil = until;
    try {
      state.loaded = await fetchFilter(kind, ctx);
    } finally {
      if (state.loadsUntil === until) state.loadsUntil = 0;
      state.loadAfter = ctx.now() + (state.loaded === undefined ? RETRY_MS : reloadMs);
    }
  }

  function loadIfDue(kind: string, state: FilterState, ctx: Context): void {
    const now = ctx.now();
    // An end further ahead than the limit means that the clock was set back.
    const isLoading = now < state.loadsUntil && state.loadsUntil - now <= LOAD_MS;
    if (now >= state.loadAfter && !isLoading) ctx.defer(load(kind, state, ctx));
  }

  /** Whether a purge of the namespace or of a prefix of the key came after the filter. */
  function isPurged({ filter, changed, changedTo }: LoadedFilter, key: string): boolean {
    const wide = derivedInvalidationKeys(key).filter((name) => !name.startsWith("k:"));
    if (wide.some((name) => changed.has(name))) return true;
    return INVALIDATED.has(verdictOn(wide, changedTo, filter));
  }

  function verdictOn(
    invalidationKeys: readonly InvalidationKey[],
    asOf: Seq,
    { era }: ExistenceFilter,
  ): Verdict {
    return coherence.verdictOf({ invalidationKeys, asOf, era });
  }

  /** Replaces a filter that a purge has outdated, and loads the filter that has replaced it. */
  async function replace(
    name: string,
    state: FilterState,
    { filter }: LoadedFilter,
    ctx: Context,
  ): Promise<void> {
    const kind = kinds.find((one) => one.name === name);
    if (kind !== undefined) await builder.replace(kind, filter, ctx);
    await load(name, state, ctx);
  }

  function replaceIfDue(
    name: string,
    state: FilterState,
    outdated: LoadedFilter,
    ctx: Context,
  ): void {
    if (ctx.now() < state.replaceAfter) return;
    state.replaceAfter = ctx.now() + LOOK_MS;
    ctx.defer(replace(name, state, outdated, ctx));
  }

  /** Loads the filter from Redis, and all changes of the log since the filter was built. */
  async function fetchFilter(kind: string, ctx: Context): Promise<LoadedFilter | undefined> {
    const found = await filters.load(kind, ctx);
    if (!found.ok) {
      ctx.emit({ type: "fault.raise", fault: found.fault });
      return undefined;
    }
    const filter = found.value === undefined ? undefined : decodeFilter(found.value);
    if (filter === undefined) return undefined;
    // The log view must know every number after the last of these changes.
    if ((await coherence.ensureCurrent(ctx.now(), coherenceMs, ctx)) !== "current")
      return undefined;
    const answer = await store.sync(filter.asOf, MAX_CHANGES, ctx);
    if (!answer.ok) {
      ctx.emit({ type: "fault.raise", fault: answer.fault });
      return undefined;
    }
    const { era, seq, floor, truncated, changes } = answer.value;
    // Rejects the filter if changes were trimmed or did not fit into the answer, because they may be inserts.
    if (era !== filter.era || seq === undefined || seq < filter.asOf) return undefined;
    if (floor > filter.asOf || truncated) return undefined;
    const later = changes.filter(([, number]) => number > filter.asOf);
    return {
      filter,
      changed: new Set(later.map(([logKey]) => invalidationKeyOf(logKey))),
      changedTo: Math.min(seq, coherence.logPosition().asOf),
    };
  }

  /** Whether a key that the filter lacks may have been added since, or the filter cannot tell. */
  async function mayHaveBeenAdded(
    kind: string,
    key: string,
    tags: readonly string[],
    state: FilterState,
    loaded: LoadedFilter,
    ctx: Context,
  ): Promise<boolean> {
    const now = ctx.now();
    loadIfDue(kind, state, ctx);
    if (now - loaded.filter.builtAt > maxAgeMs) return true;
    if ((await coherence.ensureCurrent(now, coherenceMs, ctx)) !== "current") return true;
    const invalidationKeys = [...derivedInvalidationKeys(key), ...tags.map(invalidationKeyOfTag)];
    const verdict = invalidationKeys.some((one) => loaded.changed.has(one))
      ? "invalidated"
      : verdictOn(invalidationKeys, loaded.changedTo, loaded.filter);
    if (verdict === "valid") return false;
    if (isPurged(loaded, key)) replaceIfDue(kind, state, loaded, ctx);
    // The log view no longer has all numbers since the filter, or the log was lost.
    if (!INVALIDATED.has(verdict) && state.loaded === loaded) {
      state.loaded = undefined;
      state.loadAfter = Math.min(state.loadAfter, ctx.now() + RETRY_MS);
    }
    return true;
  }

  /** Begins with the kind `from`, so that a kind that takes all the time does not stop the ones after it. */
  async function buildFrom(
    from: string | undefined,
    endsAt: EpochMs,
    ctx: Context,
  ): Promise<BuiltFilters> {
    const results = new Map<string, Result<"built" | "young">>();
    const at = kinds.findIndex(({ name }) => name === from);
    const first = Math.max(0, at);
    for (const kind of [...kinds.slice(first), ...kinds.slice(0, first)]) {
      if (results.size > 0 && ctx.now() >= endsAt) return { results, next: kind.name };
      const knowsEra = [...results.values()].some(({ ok }) => ok);
      const result = await builder.build(kind, knowsEra, ctx);
      if (!result.ok) ctx.emit({ type: "fault.raise", fault: result.fault });
      results.set(kind.name, result);
    }
    return { results, next: undefined };
  }

  return {
    mayExist(kind, key, tags, ctx) {
      const state = stateOf(kind);
      const { loaded } = state;
      if (loaded === undefined || mayHold(loaded.filter.bloom, key)) return true;
      return mayHaveBeenAdded(kind, key, tags, state, loaded, ctx);
    },

    missed: (kind, ctx) => loadIfDue(kind, stateOf(kind), ctx),

    define: (kind) => void kinds.push(kind),

    buildAll: async (ctx) => (await buildFrom(undefined, Infinity, ctx)).results,
    buildFrom,
  };
}
