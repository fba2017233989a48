/**
 * Existence filters: answer for keys that cannot exist, before any tier or the origin is asked.
 * They protect against floods of made-up ids (cache penetration).
 *
 * A filter knows the keys that existed at one number of the invalidation log. It denies a key only
 * while its era is current, the log view is recent, and none of the key's invalidation keys has a
 * later number: every insert since then has one. A filter that is missing, too old, of another era
 * or behind the log denies nothing.
 */
import {
  createFilter,
  decodeFilter,
  encodeFilter,
  type ExistenceFilter,
  type FilterStore,
} from "../core/existence-filter.ts";
import { mayHold } from "../core/bloom.ts";
import { failed, messageOf } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { SharedStore } from "../core/shared-store.ts";
import { derivedInvalidationKeys, SOFT, invalidationKeyOfTag } from "../core/invalidation-key.ts";
import type { Seq } from "../core/seq.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";

/** A kind of keys. One filter holds all of them. */
export interface ExistenceKind {
  readonly name: string;
  /** Lists every key that exists. A key that it leaves out would be denied. */
  listKeys(): Promise<readonly string[]>;
}

/** The existence filters of one isolate: they exclude keys that no row can have. */
export interface Existence {
  /**
   * Returns false only if the key certainly does not exist, so that the reader may answer 404 by
   * itself. `tags` are the tags that an insert of the key invalidates. For keys that the filter
   * lacks it costs one sync in each coherence window and one load of the filter in each reload
   * interval; for all others, no request.
   */
  mayExist(kind: string, key: string, tags: readonly string[], ctx: Context): Promise<boolean>;
  /**
   * Reports that a key of this kind was read and does not exist. This isolate then loads the
   * kind's filter. An isolate whose readers ask for existing keys only loads none.
   */
  missed(kind: string, ctx: Context): void;
  /** Adds a kind to those whose filters `buildAll` builds. */
  define(kind: ExistenceKind): void;
  /** Builds the filters that are missing or due for a rebuild. It is for the cron trigger and never rejects. */
  buildAll(ctx: Context): Promise<ReadonlyMap<string, Result<"built" | "young">>>;
}

export interface ExistenceOptions {
  readonly filters: FilterStore;
  readonly store: Pick<SharedStore, "sync">;
  readonly coherence: Coherence;
  /** The share of keys that do not exist and that the filter lets pass. */
  readonly rate: number;
  /** How old the log view may be when it denies a key. */
  readonly coherenceMs: Millis;
  /** The age at which a filter is built anew. */
  readonly rebuildMs: Millis;
  /** The age from which on a filter denies nothing. */
  readonly maxAgeMs: Millis;
  /** How often an isolate loads the filter again. */
  readonly reloadMs: Millis;
}

/** A filter that this isolate has loaded. */
interface LoadedFilter {
  readonly filter: ExistenceFilter;
  /** The invalidation keys with a number above the filter's and up to `changedTo`. */
  readonly changed: ReadonlySet<string>;
  /** The log view knows the numbers above this one. */
  readonly changedTo: Seq;
}

interface FilterState {
  loaded: LoadedFilter | undefined;
  loadAfter: EpochMs;
  loading: boolean;
}

/** How soon an isolate tries again after it found no usable filter. */
const RETRY_MS: Millis = 5_000;

export function createExistence(options: ExistenceOptions): Existence {
  const { filters, store, coherence, rate, coherenceMs, rebuildMs, maxAgeMs, reloadMs } = options;
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

  /** Loads the filter from Redis, and every change of the log since it was built. */
  async function fetchFilter(kind: string, ctx: Context): Promise<LoadedFilter | undefined> {
    const found = await filters.load(kind, ctx);
    if (!found.ok) {
      ctx.emit({ type: "fault.raise", fault: found.fault });
      return undefined;
    }
    const filter = found.value === undefined ? undefined : decodeFilter(found.value);
    if (filter === undefined) return undefined;
    // The log view has to take over where the changes end.
    if ((await coherence.ensureCurrent(ctx.now(), coherenceMs, ctx)) !== "current")
      return undefined;
    const answer = await store.sync(filter.asOf, ctx);
    if (!answer.ok) {
      ctx.emit({ type: "fault.raise", fault: answer.fault });
      return undefined;
    }
    const { era, seq, floor, truncated, changes } = answer.value;
    // Changes that were trimmed or that did not fit into the answer may be inserts.
    if (era !== filter.era || seq === undefined || seq < filter.asOf) return undefined;
    if (floor > filter.asOf || truncated) return undefined;
    const later = changes.filter(([, number]) => number > filter.asOf);
    return {
      filter,
      changed: new Set(later.map(([name]) => (name.startsWith(SOFT) ? name.slice(1) : name))),
      changedTo: Math.min(seq, coherence.logPosition().asOf),
    };
  }

  async function build(kind: ExistenceKind, ctx: Context): Promise<Result<"built" | "young">> {
    const found = await filters.load(kind.name, ctx);
    if (!found.ok) return found;
    if ((await coherence.ensureCurrent(ctx.now(), 0, ctx)) !== "current")
      return failed("redis.unavailable", "the invalidation log cannot be reached");
    // Taken before the keys are listed: an insert that the list misses has a later number.
    const position = coherence.logPosition();
    const present = found.value === undefined ? undefined : decodeFilter(found.value);
    const young = present !== undefined && ctx.now() - present.builtAt < rebuildMs;
    if (young && present.era === position.era) return { ok: true, value: "young" };
    try {
      const filter = createFilter(await kind.listKeys(), rate, position, ctx.now());
      const saved = await filters.save(kind.name, encodeFilter(filter), maxAgeMs, ctx);
      return saved.ok ? { ok: true, value: "built" } : saved;
    } catch (error) {
      return failed("origin.unavailable", messageOf(error));
    }
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
      // The log view no longer reaches back to the filter, or the log was lost.
      if (verdict !== "invalidated" && verdict !== "soft" && state.loaded === loaded) {
        state.loaded = undefined;
        state.loadAfter = Math.min(state.loadAfter, ctx.now() + RETRY_MS);
      }
      return true;
    },

    missed: (kind, ctx) => loadIfDue(kind, stateOf(kind), ctx),

    define: (kind) => void kinds.push(kind),

    async buildAll(ctx) {
      const results = new Map<string, Result<"built" | "young">>();
      for (const kind of kinds) {
        const result = await build(kind, ctx);
        if (!result.ok) ctx.emit({ type: "fault.raise", fault: result.fault });
        results.set(kind.name, result);
      }
      return results;
    },
  };
}
