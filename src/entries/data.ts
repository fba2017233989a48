/**
 * The entry `strata`: the data cache, without Hono and without a vendor.
 */
export { createStrata } from "../compose/strata-workerd.ts";
export type { DataOptions } from "../data/options.ts";
export type { Cache, SetOptions } from "../data/cache.ts";
export type { Lifetime, Openable, Place, Reach, Strata } from "../data/strata.ts";
export type { Wrap, WrapOptions, Wrapped } from "../data/wrap.ts";
export type { LogPosition } from "../core/entry.ts";
export type { Flights, Shared } from "../data/shared.ts";
export { key, keysOf, type KeyScope } from "../core/key.ts";
export { definePolicy, type Policy, type PolicyOptions, type TierLimits } from "../core/policy.ts";
export type {
  DataLookup,
  DataReader,
  Load,
  LoadContext,
  LoadMany,
  LoadManyContext,
  WarmProgress,
} from "../core/data-reader.ts";
export type { Lookup } from "../core/lookup.ts";
export type { Erasure } from "../core/erasure.ts";
export type { EraseTargets, PurgeTargets } from "../core/invalidation-key.ts";
export type { Encryption } from "../core/encryption.ts";
export type { Serializer } from "../core/serializer.ts";
export type { Duration } from "../core/duration.ts";
export type { CacheEvent } from "../core/events.ts";
export { CacheUnavailable, DefinitionError, messageOf, type Fault } from "../core/faults.ts";
