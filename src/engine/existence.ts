/**
 * Existence filters. They exclude keys that cannot exist, before a tier or the origin is asked.
 * They protect against many requests for made-up ids (cache penetration).
 *
 * A filter knows the keys that existed at one number of the invalidation log. It excludes a key
 * only if its era is the current one, the log view is recent, and none of the key's invalidation
 * keys has a higher number, because every later insert would have given them one. A filter that is
 * missing, too old, of another era or behind the log excludes nothing.
 */
import { MAX_CHANGES } from "../core/log.ts";
import {
  createFilter,
  decodeFilter,
  encodeFilter,
  type ExistenceFilter,
  type FilterStore,
} from "../core/existence-filter.ts";
import { mayHold } from "../core/bloom.ts";
import type { HashKey } from "../core/keyed-hash.ts";
import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import { failed, messageOf } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { SharedStore } from "../core/shared-store.ts";
import { derivedInvalidationKeys, SOFT, invalidationKeyOfTag } from "../core/invalidation-key.ts";
import type { Seq } from "../core/seq.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";

/** A kind of keys. One filter covers all keys of the kind. */
export interface ExistenceKind {
  readonly name: string;
  /** Lists every key that exists. The filter would exclude a key that this list lacks. */
  listKeys(): Promise<readonly string[]>;
}

/** The existence filters of one isolate. They exclude keys that no row can have. */
export interface Existence {
  /**
   * Returns false only if the key certainly does not exist, so that the caller may answer 404 at
   * once. `tags` are the tags that an insert of the key invalidates.
   *
   * For a key that the filter lacks, the call costs at most one sync in each coherence window and
   * one load of the filter in each reload interval. For all other keys it sends no request.
   */
  mayExist(kind: string, key: string, tags: readonly string[], ctx: Context): Promise<boolean>;
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

export interface ExistenceOptions {
  readonly filters: FilterStore;
  readonly store: Pick<SharedStore, "sync">;
  readonly coherence: Coherence;
  /** Makes the secret of a new filter's hash. */
  readonly newSeed: () => HashKey;
  /** The share of the keys that do not exist but that a filter lets through. */
  readonly rate: number;
  /** The log view may be at most this old when a filter excludes a key. */
  readonly coherenceMs: Millis;
  /** A filter that has reached this age is rebuilt. */
  readonly rebuildMs: Millis;
  /** A filter that is older than this excludes nothing. */
  readonly maxAgeMs: Millis;
  /** An isolate loads the filter again after this time. */
  readonly reloadMs: Millis;
  readonly withTimeout: WithTimeout;
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
  loading: boolean;
}

/** An isolate that found no usable filter tries again after this time. */
const RETRY_MS: Millis = 5_000;
/** A list of keys that takes longer is given up, so that the other kinds get their turn. */
const LIST_TIMEOUT_MS: Millis = 5_000;

export function createExistence(options: ExistenceOptions): ScheduledExistence {
  const { filters, store, coherence, newSeed, rate, withTimeout } = options;
  const { coherenceMs, rebuildMs, maxAgeMs, reloadMs } = options;
  const states = new Map<string, FilterState>();
  const kinds: ExistenceKind[] = [];

  function stateOf(kind: string): FilterState {
    const state = states.get(kind) ?? { loaded: undefined, loadAfter: 0, loading: false };
    states.set(kind, state);
    return state;
  }

  async function load(kind: string, state: FilterState, ctx: Context): Promise<void> {
    state.loading = true;
    try {
      state.loaded = await fetchFilter(kind, ctx);
    } finally {
      state.loading = false;
      state.loadAfter = ctx.now() + (state.loaded === undefined ? RETRY_MS : reloadMs);
    }
  }

  function loadIfDue(kind: string, state: FilterState, ctx: Context): void {
    if (ctx.now() >= state.loadAfter && !state.loading) ctx.defer(load(kind, state, ctx));
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
      changed: new Set(later.map(([name]) => (name.startsWith(SOFT) ? name.slice(1) : name))),
      changedTo: Math.min(seq, coherence.logPosition().asOf),
    };
  }

  /** `knowsEra`: this run has asked the log already, so a young filter costs no further request. */
  async function build(
    kind: ExistenceKind,
    knowsEra: boolean,
    ctx: Context,
  ): Promise<Result<"built" | "young">> {
    const found = await filters.load(kind.name, ctx);
    if (!found.ok) return found;
    const present = found.value === undefined ? undefined : decodeFilter(found.value);
    const young = present !== undefined && ctx.now() - present.builtAt < rebuildMs;
    if (young && knowsEra && present.era === coherence.logPosition().era)
      return { ok: true, value: "young" };
    if ((await coherence.ensureCurrent(ctx.now(), 0, ctx)) !== "current")
      return failed("redis.unavailable", "the invalidation log cannot be reached");
    // The position is read before the keys are listed, so that an insert that the list misses has a
    // higher number.
    const position = coherence.logPosition();
    if (young && present.era === position.era) return { ok: true, value: "young" };
    try {
      const keys = await withTimeout(kind.listKeys(), LIST_TIMEOUT_MS);
      const filter = createFilter(keys, rate, position, ctx.now(), newSeed());
      const saved = await filters.save(kind.name, encodeFilter(filter), maxAgeMs, ctx);
      return saved.ok ? { ok: true, value: "built" } : saved;
    } catch (error) {
      return isDeadlineExceeded(error)
        ? failed("origin.timeout", error.message)
        : failed("origin.unavailable", messageOf(error));
    }
  }

  /** Begins with the kind `from`, so that a kind that takes all the time does not stop the ones after it. */
  async function buildFrom(
    from: string | undefined,
    endsAt: EpochMs,
    ctx: Context,
  ): Promise<BuiltFilters> {
    const results = new Map<string, Result<"built" | "young">>();
    const first = Math.max(
      0,
      kinds.findIndex(({ name }) => name === from),
    );
    for (const kind of [...kinds.slice(first), ...kinds.slice(0, first)]) {
      if (results.size > 0 && ctx.now() >= endsAt) return { results, next: kind.name };
      const knowsEra = [...results.values()].some(({ ok }) => ok);
      const result = await build(kind, knowsEra, ctx);
      if (!result.ok) ctx.emit({ type: "fault.raise", fault: result.fault });
      results.set(kind.name, result);
    }
    return { results, next: undefined };
  }

  return {
    async mayExist(kind, key, tags, ctx) {
      const state = stateOf(kind);
      const { loaded } = state;
      const now = ctx.now();
      if (loaded === undefined || mayHold(loaded.filter.bloom, key)) return true;
      loadIfDue(kind, state, ctx);
      if (now - loaded.filter.builtAt > maxAgeMs) return true;
      if ((await coherence.ensureCurrent(now, coherenceMs, ctx)) !== "current") return true;
      const invalidationKeys = [...derivedInvalidationKeys(key), ...tags.map(invalidationKeyOfTag)];
      if (invalidationKeys.some((one) => loaded.changed.has(one))) return true;
      const { era } = loaded.filter;
      const verdict = coherence.verdictOf({ invalidationKeys, asOf: loaded.changedTo, era });
      if (verdict === "valid") return false;
      // The log view no longer has all numbers since the filter, or the log was lost.
      if (verdict !== "invalidated" && verdict !== "soft" && state.loaded === loaded) {
        state.loaded = undefined;
        state.loadAfter = Math.min(state.loadAfter, ctx.now() + RETRY_MS);
      }
      return true;
    },

    missed: (kind, ctx) => loadIfDue(kind, stateOf(kind), ctx),

    define: (kind) => void kinds.push(kind),

    buildFrom,

    buildAll: async (ctx) => (await buildFrom(undefined, Infinity, ctx)).results,
  };
}
