/** What another Worker imports. */
export { key, keysOf, type KeyScope } from "./core/key.ts";
export { definePolicy, type Policy, type PolicyOptions } from "./core/policy.ts";
export { CacheUnavailable, DefinitionError, messageOf, type Fault } from "./core/faults.ts";
export type { Duration } from "./core/duration.ts";
export type {
  Context,
  DataLookup,
  DataReader,
  Load,
  LoadContext,
  LoadMany,
  Lookup,
} from "./core/ports.ts";
export type { PurgeTargets } from "./core/tag.ts";
export { strata, type StrataOptions } from "./http/strata.ts";
export { cached, type CachedOptions } from "./http/cached.ts";
export type { KeyRules } from "./http/route-key.ts";
export { passThrough, type PassThroughOptions } from "./http/origin/pass-through.ts";
export { respond } from "./http/respond.ts";
export { problem, type ProblemOptions } from "./http/problem.ts";
export type { RequestScope, StrataEnv } from "./http/scope.ts";
export type { RateLimitOptions, RateLimits, RateLimitStats } from "./ratelimit/rate-limits.ts";
export type { LimitInfo } from "./ratelimit/inspection.ts";
export { slidingLog, slidingWindow } from "./ratelimit/algorithms.ts";
export { packIdentifier } from "./ratelimit/packed.ts";
export { WriteUnconfirmed } from "./writes/unconfirmed.ts";
export { createWriteBehind, type ChangeQueue, type QueuedChange } from "./writes/behind.ts";
export type { InvalidationState, Writer, Written } from "./writes/writer.ts";
export { backgroundContext, createStrata, type Platform, type Strata } from "./compose.ts";
export { FlightShard, MetricsShard, OutboxAlarm } from "./objects.ts";
export { ConfigError, type Bindings, type Config } from "./config.ts";
export { OriginFault } from "./origin/fault.ts";
export type { Database } from "./origin/neon.ts";
export type { MetricsReport, MetricsSnapshot, TraceSummary } from "./core/metrics.ts";
export type { MetricsView } from "./telemetry/metrics-view.ts";
export type { Traced, TraceHeaders } from "./telemetry/traced.ts";
export type { Existence, ExistenceKind } from "./engine/existence.ts";
export type { Inspect, TierReport } from "./engine/inspect.ts";
