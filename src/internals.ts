/** The inner parts of a layer, which only its own tests use. src/index.ts does not export them. */
import type { BreakerName, BreakerReport } from "./core/breaker.ts";
import type { SharedStore } from "./core/shared-store.ts";
import type { MemoryTier } from "./core/tier.ts";
import type { Coherence } from "./engine/coherence.ts";
import type { Engine } from "./engine/engine.ts";
import type { Batch } from "./engine/lookup-many.ts";
import type { RunningLoads } from "./engine/running-loads.ts";
import type { Warmer } from "./engine/warm.ts";
import type { Strata } from "./strata.ts";

/** The inner parts of a `Strata`. */
export interface StrataInternals {
  readonly engine: Engine;
  readonly batch: Batch;
  readonly warmer: Warmer;
  readonly loads: RunningLoads;
  readonly coherence: Coherence;
  readonly store: SharedStore;
  readonly memory: MemoryTier;
  /** The state of each dependency as this isolate sees it, without I/O. */
  readonly breakers: Readonly<Record<BreakerName, BreakerReport>>;
}

const internals = new WeakMap<Strata, StrataInternals>();

/** Stores the parts of a layer, so that `internalsOf` finds them. Returns the layer. */
export function withInternals(strata: Strata, parts: StrataInternals): Strata {
  internals.set(strata, parts);
  return strata;
}

/** Returns the parts of a layer. @throws if the layer was not created by `createLayer` */
export function internalsOf(strata: Strata): StrataInternals {
  const parts = internals.get(strata);
  if (parts === undefined) throw new Error("createLayer did not make this layer");
  return parts;
}
