/** Builds existence filters: for the cron trigger, and when a purge has outdated a filter. */
import {
  createFilter,
  decodeFilter,
  encodeFilter,
  type ExistenceFilter,
  type FilterStore,
} from "../core/existence-filter.ts";
import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import { failed, messageOf } from "../core/faults.ts";
import type { HashKey } from "../core/keyed-hash.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { Millis } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";

/** A kind of keys. One filter covers all keys of the kind. */
export interface ExistenceKind {
  /** The kind: the first part of the keys. */
  readonly name: string;
  /** Lists every key that exists. The filter would exclude a key that this list lacks. */
  listKeys(): Promise<readonly string[]>;
}

export interface FilterBuilderOptions {
  readonly filters: FilterStore;
  readonly coherence: Pick<Coherence, "ensureCurrent" | "logPosition">;
  /** Makes the secret of a new filter's hash. */
  readonly newSeed: () => HashKey;
  /** The share of the keys that do not exist but that a filter lets through. */
  readonly rate: number;
  /** A filter that has reached this age is rebuilt. */
  readonly rebuildMs: Millis;
  /** A filter that is older than this excludes nothing. */
  readonly maxAgeMs: Millis;
  readonly withTimeout: WithTimeout;
}

export interface FilterBuilder {
  /**
   * Builds the filter if it is missing, due for a rebuild, or of another era. `knowsEra`: this run has
   * asked the log already, so a young filter costs no further request.
   */
  build(kind: ExistenceKind, knowsEra: boolean, ctx: Context): Promise<Result<"built" | "young">>;
  /**
   * Builds the filter anew if no isolate has done so since `outdated` was built. Of all isolates, at most
   * one does so in `REPLACE_EVERY_MS`, because a build lists every key.
   */
  replace(kind: ExistenceKind, outdated: ExistenceFilter, ctx: Context): Promise<void>;
}

/** A filter that purges outdate again and again is replaced at most once in this time. */
const REPLACE_EVERY_MS: Millis = 10_000;
/** A list of keys that takes longer is given up, so that the other kinds get their turn. */
const LIST_TIMEOUT_MS: Millis = 5_000;

const UNREACHABLE = failed("redis.unavailable", "the invalidation log cannot be reached");

export function createFilterBuilder(options: FilterBuilderOptions): FilterBuilder {
  const { filters, coherence, newSeed, rate, rebuildMs, maxAgeMs, withTimeout } = options;

  async function rebuild(kind: ExistenceKind, ctx: Context): Promise<Result<"built">> {
    // The position is read before the keys are listed, so that an insert that the list misses has a
    // higher number.
    const position = coherence.logPosition();
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

  async function becomesCurrent(ctx: Context): Promise<boolean> {
    return (await coherence.ensureCurrent(ctx.now(), 0, ctx)) === "current";
  }

  /** Returns the stored filter, after the log view has become current. */
  async function stored(name: string, ctx: Context): Promise<Result<ExistenceFilter | undefined>> {
    const found = await filters.load(name, ctx);
    if (!found.ok) return found;
    if (!(await becomesCurrent(ctx))) return UNREACHABLE;
    return { ok: true, value: found.value === undefined ? undefined : decodeFilter(found.value) };
  }

  return {
    async build(kind, knowsEra, ctx) {
      const found = await filters.load(kind.name, ctx);
      if (!found.ok) return found;
      const present = found.value === undefined ? undefined : decodeFilter(found.value);
      const young = present !== undefined && ctx.now() - present.builtAt < rebuildMs;
      const isYoung = (): boolean => young && present.era === coherence.logPosition().era;
      if (knowsEra && isYoung()) return { ok: true, value: "young" };
      if (!(await becomesCurrent(ctx))) return UNREACHABLE;
      return isYoung() ? { ok: true, value: "young" } : rebuild(kind, ctx);
    },

    async replace(kind, outdated, ctx) {
      const claimed = await filters.claim(kind.name, REPLACE_EVERY_MS, ctx);
      if (!claimed.ok || !claimed.value) return;
      const found = await stored(kind.name, ctx);
      if (!found.ok || (found.value?.asOf ?? 0) > outdated.asOf) return;
      const built = await rebuild(kind, ctx);
      if (!built.ok) ctx.emit({ type: "fault.raise", fault: built.fault });
    },
  };
}
