import type { StrataEnv } from "../http/routes/request-scope.ts";
import type { RateLimits } from "../ratelimit/rate-limits.ts";
import type { RedisClient } from "../redis/client.ts";
import { createSecondaryStorage, type SecondaryStorage } from "../redis/secondary-storage.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Breakers } from "./breakers.ts";
import { composeLimits, type LimitParts } from "./limits.ts";
import { composeSessions } from "./sessions.ts";

export interface CallerParts extends Pick<LimitParts, "config" | "newId"> {
  readonly limiterRedis: RedisClient;
  readonly sessionRedis: RedisClient;
  readonly breakers: Pick<Breakers, "limiter" | "session">;
}

export interface Callers {
  readonly sessions: Sessions<StrataEnv>;
  readonly secondaryStorage: SecondaryStorage;
  readonly rateLimits: RateLimits<StrataEnv>;
}

/** Builds the parts that tell callers apart: the sessions, and the rate limits, which count the users of sessions. */
export function composeCallers(parts: CallerParts): Callers {
  const { limiterRedis, sessionRedis, breakers, config, newId } = parts;
  const store = { redis: sessionRedis, breaker: breakers.session };
  const sessions = composeSessions({ ...store, config, newId });
  const secondaryStorage = createSecondaryStorage({
    ...store,
    namespace: config.namespace,
    defaultTtlMs: config.settings.sessions.absoluteMs,
  });
  const rateLimits = composeLimits({
    redis: limiterRedis,
    breaker: breakers.limiter,
    config,
    newId,
    sessions,
  });
  return { sessions, secondaryStorage, rateLimits };
}
