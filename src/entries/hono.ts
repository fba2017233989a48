/** The entry `strata/hono`: cached routes of a Hono application. It needs the package `hono`. */
export { middleware, type MiddlewareOptions } from "../compose/hono-layer.ts";
export { cached, type CachedOptions } from "../http/routes/cached.ts";
export type { KeyRules } from "../http/routes/route-key.ts";
export { respond, respondNonexistent } from "../http/routes/respond.ts";
export { withDegradation, type LevelAnswers } from "../http/routes/with-degradation.ts";
export type { DegradationLevel } from "../core/degradation-level.ts";
export type { RequestScope, StrataEnv } from "../http/routes/request-scope.ts";
export { problem, type ProblemOptions } from "../http/cache/problem.ts";
export { SECURITY_FIELDS } from "../http/cache/security-fields.ts";
export { rateLimits, type RateLimitSetup } from "../compose/data-limits.ts";
export type { LedgerSource } from "../compose/ledger-source.ts";
export type { RateLimitOptions, RateLimits, RateLimitStats } from "../ratelimit/rate-limits.ts";
export type { LimitOptions, Limits } from "../ratelimit/limit-policy.ts";
export type { LimitText } from "../ratelimit/window.ts";
export { sessions, type SessionSetup } from "../compose/data-sessions.ts";
export type { SessionSource } from "../compose/session-source.ts";
export type { Session, Sessions, SignIn, UserSession } from "../sessions/sessions.ts";
export { SessionsUnavailable } from "../core/sessions.ts";
