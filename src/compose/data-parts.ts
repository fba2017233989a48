/** Finds the inner parts of a data cache, for the entries that build on it. Applications do not see them. */
import type { Cache } from "../data/cache.ts";
import type { Defer } from "../core/breaker.ts";
import type { Strata } from "../data/strata.ts";
import type { DataSettings } from "../data/options.ts";
import type { Context } from "../core/context.ts";
import type { CacheEvent } from "../core/events.ts";
import type { MemoryTier } from "../core/tier.ts";
import type { Serializer } from "../core/serializer.ts";
import type { EngineParts } from "../engine/create-engine.ts";
import type { Slots } from "../core/origin-slots.ts";
import type { Invalidate } from "../engine/invalidation-retry.ts";
import type { Warmer } from "../engine/warm.ts";
import type { Platform } from "../platform.ts";

/** The parts of a data cache that the entries for Hono and the proxy need. */
export interface DataParts extends EngineParts {
  readonly memory: MemoryTier;
  readonly warmer: Warmer;
  readonly slots: Slots;
  readonly settings: DataSettings;
  readonly invalidate: Invalidate;
  /** Opens the cache of one piece of work. */
  readonly openFor: (ctx: Context) => Cache;
  readonly emit: (event: CacheEvent) => void;
  /** Lets the tiers store the value that a program sets under a key. Undefined without an admission. */
  readonly admit?: (key: string) => void;
  readonly keepAlive: Defer;
  readonly platform: Platform;
  readonly serializer: Serializer;
}

const partsOf = new WeakMap<Strata, () => DataParts>();

export function withDataParts(strata: Strata, parts: () => DataParts): Strata {
  partsOf.set(strata, parts);
  return strata;
}

/** Returns the parts of a data cache. @throws if `createStrata` did not make it */
export function dataPartsOf(strata: Strata): DataParts {
  const parts = partsOf.get(strata);
  if (parts === undefined) throw new TypeError("createStrata did not make this cache");
  return parts();
}
