/**
 * Whether a key can exist at all: answers for keys that do not, before any tier or
 * the origin is asked. Against floods of made-up ids (cache penetration).
 *
 * A filter knows what existed at a number of the invalidation log. It denies a key
 * only while its era is current, the isolate's knowledge of the log is recent, and none of
 * the key's names has a later number: whatever was inserted since then has one. Missing,
 * old, of another era or behind, it denies nothing.
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

/** Things of one kind, all of which have their keys in one filter. */
export interface ExistenceKind {
  readonly name: string;
  /** Every key that exists; a key that it leaves out would be denied. */
  listKeys(): Promise<readonly string[]>;
}

/** The existence filters of one isolate: they exclude keys that no row can have. */
export interface Existence {
  /**
   * False only if the key certainly does not exist: the reader may answer "there is
   * nothing" without asking anyone. `tags` are the names that an insert of the key
   * invalidates. Costs no request, but for a look at the log every coherence window,
   * and for a younger filter now and then, both only for keys that the filter lacks.
   */
  mayExist(kind: string, key: string, tags: readonly string[], ctx: Context): Promise<boolean>;
  /**
   * Tells that a key was asked for and does not exist: from then on the isolate
   * looks for the kind's filter. Where all that is asked for exists, none is loaded.
   */
  missed(kind: string, ctx: Context): void;
  /** From now on `buildAll` builds a filter of the kind. */
  define(kind: ExistenceKind): void;
  /** Builds the filters that are missing or no longer young; for the cron trigger. Never rejects. */
  buildAll(ctx: Context): Promise<ReadonlyMap<string, Result<"built" | "young">>>;
}

export interface ExistenceOptions {
  readonly filters: FilterStore;
  readonly store: Pick<SharedStore, "sync">;
  readonly coherence: Coherence;
  /** The share of keys that do not exist and pass all the same. */
  readonly rate: number;
  /** How old the knowledge of the log may be that denies a key. */
  readonly coherenceMs: Millis;
  /** A filter is built anew after this long, */
  readonly rebuildMs: Millis;
  /** and no longer used after this long. */
  readonly maxAgeMs: Millis;
  /** How often an isolate looks for a younger filter. */
  readonly reloadMs: Millis;
}

/** A filter as an isolate uses it. */
interface Held {
  readonly filter: ExistenceFilter;
  /** Names with a number above the filter's, up to `knownTo`; later ones the isolate's view has. */
  readonly changed: ReadonlySet<string>;
  readonly knownTo: Seq;
}

interface Slot {
  held: Held | undefined;
  loadAfter: EpochMs;
  loading: boolean;
}

/** How soon an isolate tries again that could not use what it loaded. */
const RETRY_MS: Millis = 5_000;

export function createExistence(options: ExistenceOptions): Existence {
  const { filters, store, coherence, rate, coherenceMs, rebuildMs, maxAgeMs, reloadMs } = options;
  const slots = new Map<string, Slot>();
  const kinds: ExistenceKind[] = [];

  function slotOf(kind: string): Slot {
    const slot = slots.get(kind) ?? { held: undefined, loadAfter: 0, loading: false };
    slots.set(kind, slot);
    return slot;
  }

  async function load(kind: string, slot: Slot, ctx: Context): Promise<void> {
    slot.loading = true;
    try {
      slot.held = await fetchHeld(kind, ctx);
    } finally {
      slot.loading = false;
      slot.loadAfter = ctx.now() + (slot.held === undefined ? RETRY_MS : reloadMs);
    }
  }

  function loadIfDue(kind: string, slot: Slot, ctx: Context): void {
    if (ctx.now() >= slot.loadAfter && !slot.loading) ctx.defer(load(kind, slot, ctx));
  }

  /** The filter in Redis, and every change of the log since it was built. */
  async function fetchHeld(kind: string, ctx: Context): Promise<Held | undefined> {
    const found = await filters.load(kind, ctx);
    if (!found.ok) {
      ctx.emit({ type: "fault.raise", fault: found.fault });
      return undefined;
    }
    const filter = found.value === undefined ? undefined : decodeFilter(found.value);
    if (filter === undefined) return undefined;
    // An isolate that has not heard of the log yet has no view to take over.
    if ((await coherence.ensureCurrent(ctx.now(), coherenceMs, ctx)) !== "current")
      return undefined;
    const answer = await store.sync(filter.asOf, ctx);
    if (!answer.ok) {
      ctx.emit({ type: "fault.raise", fault: answer.fault });
      return undefined;
    }
    const { era, seq, floor, truncated, changes } = answer.value;
    // What was forgotten, or did not come, may have named a key that exists now.
    if (era !== filter.era || seq === undefined || seq < filter.asOf) return undefined;
    if (floor > filter.asOf || truncated) return undefined;
    const later = changes.filter(([, number]) => number > filter.asOf);
    return {
      filter,
      changed: new Set(later.map(([name]) => (name.startsWith(SOFT) ? name.slice(1) : name))),
      // The isolate's own view takes over from there, or from where it is.
      knownTo: Math.min(seq, coherence.logPosition().asOf),
    };
  }

  async function build(kind: ExistenceKind, ctx: Context): Promise<Result<"built" | "young">> {
    const found = await filters.load(kind.name, ctx);
    if (!found.ok) return found;
    if ((await coherence.ensureCurrent(ctx.now(), 0, ctx)) !== "current")
      return failed("redis.unavailable", "the log cannot be reached");
    // As of BEFORE the keys are listed: an insert that is missed has a later number.
    const moment = coherence.logPosition();
    const present = found.value === undefined ? undefined : decodeFilter(found.value);
    const young = present !== undefined && ctx.now() - present.builtAt < rebuildMs;
    if (young && present.era === moment.era) return { ok: true, value: "young" };
    try {
      const filter = createFilter(await kind.listKeys(), rate, moment, ctx.now());
      const saved = await filters.save(kind.name, encodeFilter(filter), maxAgeMs, ctx);
      return saved.ok ? { ok: true, value: "built" } : saved;
    } catch (error) {
      return failed("origin.unavailable", messageOf(error));
    }
  }

  return {
    async mayExist(kind, key, tags, ctx) {
      const slot = slotOf(kind);
      const { held } = slot;
      const now = ctx.now();
      if (held === undefined || mayHold(held.filter.bloom, key)) return true;
      loadIfDue(kind, slot, ctx);
      if (now - held.filter.builtAt > maxAgeMs) return true;
      if ((await coherence.ensureCurrent(now, coherenceMs, ctx)) !== "current") return true;
      const members = [...derivedInvalidationKeys(key), ...tags.map(invalidationKeyOfTag)];
      if (members.some((member) => held.changed.has(member))) return true;
      const { era } = held.filter;
      const verdict = coherence.verdictOf({ invalidationKeys: members, asOf: held.knownTo, era });
      if (verdict === "valid") return false;
      // The view no longer reaches back, or the log was lost: what is held is of no more use.
      if (verdict !== "invalidated" && verdict !== "soft" && slot.held === held) {
        slot.held = undefined;
        slot.loadAfter = Math.min(slot.loadAfter, ctx.now() + RETRY_MS);
      }
      return true;
    },

    missed: (kind, ctx) => loadIfDue(kind, slotOf(kind), ctx),

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
