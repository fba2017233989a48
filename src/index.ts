/**
 * The public API of the layer, which other Workers import. docs/reference describes it with one
 * page for each section below; `node tools/reference/main.ts` writes those pages.
 */

// The layer: create it, and serve requests with it.
export { createStrata } from "./compose.ts";
export type { AdminTools, FormerNames, Jobs, Strata } from "./strata.ts";
export type { Dispatch } from "./http/routes/middleware.ts";
export type { RequestScope, StrataEnv } from "./http/routes/request-scope.ts";
export type { Context } from "./core/context.ts";
export type { Degradation, DegradationReport, DependencyState, Pin } from "./core/degradation.ts";
export type { DegradationLevel } from "./core/degradation-level.ts";
export { backgroundContext } from "./platform.ts";
export type { Cron, CronStep, CronTask } from "./core/task.ts";
export {
  AnswerObject,
  FlightShard,
  MetricsShard,
  OutboxAlarm,
  RegionLog,
  SlotGrants,
  TopicObject,
} from "./durable-objects.ts";

// Configuration: options, variables and their errors.
export type { StrataOptions } from "./config/options.ts";
export type { Eviction } from "./tiers/eviction/choice.ts";
export type { Settings } from "./config/settings.ts";
export type { Bindings } from "./config/bindings.ts";
export type { AdminRole, AdminToken } from "./config/admin-tokens.ts";
export { ConfigError, type Config } from "./config.ts";
export type { Duration } from "./core/duration.ts";

// Routes: cached responses, and the proxy before an HTTP origin.
export { cached, type CachedOptions } from "./http/routes/cached.ts";
export type { KeyRules } from "./http/routes/route-key.ts";
export { withDegradation, type LevelAnswers } from "./http/routes/with-degradation.ts";
export { respond, respondNonexistent } from "./http/routes/respond.ts";
export { createBodyReader, type ReadBody } from "./http/routes/body-reader.ts";
export type { IdempotencyOptions, Idempotent } from "./http/routes/idempotency.ts";
export { problem, type ProblemOptions } from "./http/cache/problem.ts";
export { SECURITY_FIELDS } from "./http/cache/security-fields.ts";
export { passThrough, type PassThroughOptions } from "./http/proxy/pass-through.ts";

// Data: reads inside a handler.
export { key, keysOf, type KeyScope } from "./core/key.ts";
export { definePolicy, type Policy, type PolicyOptions, type TierLimits } from "./core/policy.ts";
export type {
  DataLookup,
  DataReader,
  Load,
  LoadContext,
  LoadMany,
  LoadManyContext,
  WarmProgress,
} from "./core/data-reader.ts";
export type { Cache, SetOptions } from "./data/cache.ts";
export type { Lifetime, Openable, Place } from "./data/strata.ts";
export type { Wrap, WrapOptions, Wrapped } from "./data/wrap.ts";
export type { LogPosition } from "./core/entry.ts";
export type { Lookup } from "./core/lookup.ts";
export type { Existence } from "./engine/existence.ts";
export type { ExistenceKind } from "./engine/existence-build.ts";
export type { Explanation, LastMiss } from "./engine/explain.ts";
export type { Inspect, TierReport } from "./engine/inspect.ts";
export type { Reason } from "./engine/reasons.ts";
export type { Why, WhyReport } from "./engine/why.ts";
export type { Invalidation as EntryInvalidation, Refusals } from "./core/key-notes.ts";
export type { DryRead, DryRun } from "./http/routes/dry-run.ts";

// Writes: row changes with their invalidations, and purges.
export type { EraseAnswer, EraseEntries } from "./writes/erase.ts";
export type { Erasure } from "./core/erasure.ts";
export type { InvalidationState, Writer, Written } from "./writes/writer.ts";
export type { DeliveryState } from "./writes/event-delivery.ts";
export type { Mutation } from "./writes/mutate.ts";
export type { Through, WriteThrough } from "./writes/through.ts";
export type { PurgeTargets } from "./core/invalidation-key.ts";
export type { Messages, MessagesState, QueueBatch } from "./writes/messages/messages.ts";
export type { Effect } from "./writes/messages/effect.ts";
export type { DeadLetters, Replay } from "./writes/messages/dead-letters.ts";
export type { DeadLetter, LetterCounts } from "./writes/messages/letter-table.ts";
export type { Trial } from "./writes/messages/trial.ts";
export type { PendingGroup, PendingId, PendingIds } from "./core/pending.ts";
export {
  createPendingWrite,
  createWriteBehind,
  type ChangeQueue,
  type PendingTarget,
  type QueuedChange,
} from "./writes/behind.ts";
export type { Database } from "./origin/neon.ts";

// Live events: messages of topics for browsers and for Redis channels.
export type { Live, LiveOptions } from "./http/live/live.ts";
export type { LiveTransport } from "./core/live-event.ts";

// Answers of a model: asked once, recorded and replayed.
export type { Answers, ModelCache, Reply } from "./answers/reply.ts";
export type { LanguageModelMiddleware, ModelCacheOptions } from "./answers/language-model.ts";
export type { AnswerScope, ChatMessage, Question } from "./answers/question.ts";
export { normalMessage } from "./answers/normal-message.ts";
export type { AnswerText } from "./answers/read-answer.ts";
export type { ChatInfo, Usage } from "./answers/chat-stream.ts";

// Rate limits: limits per address, user and endpoint.
export type { RateLimitOptions, RateLimits, RateLimitStats } from "./ratelimit/rate-limits.ts";
export type { FailureLimit, FailureLimitOptions } from "./ratelimit/failure-limit.ts";
export type { LimitInfo } from "./ratelimit/inspection.ts";
export { slidingLog, slidingWindow } from "./ratelimit/upstash-adapter.ts";
export { packIdentifier } from "./ratelimit/identifier-codec.ts";

// Sessions: who is signed in.
export type { Session, Sessions, SignIn, UserSession } from "./sessions/sessions.ts";
export type { SecondaryStorage } from "./redis/secondary-storage.ts";
export { SessionsUnavailable } from "./core/sessions.ts";

// Errors: what the layer throws.
export { CacheUnavailable, DefinitionError, messageOf, type Fault } from "./core/faults.ts";
export { OriginFault } from "./origin/fault.ts";
export { WriteUnconfirmed } from "./writes/unconfirmed.ts";

// Telemetry: metrics and traces.
export type { MetricsView } from "./telemetry/metrics/metrics-view.ts";
export type { AuditTarget } from "./core/events.ts";
export type { Candidate, CompareSettings, Comparison, Prediction } from "./core/traffic.ts";
export { ComparisonBusy } from "./core/traffic.ts";
export type { MetricsReport, MetricsSnapshot, TraceSummary } from "./core/metrics.ts";
export type { Traced, TraceHeaders } from "./telemetry/traces/traced.ts";
