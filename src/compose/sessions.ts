import type { Config } from "../config.ts";
import type { Breaker } from "../core/breaker.ts";
import type { NewId } from "../core/random.ts";
import { sha256Hex } from "../core/sha256.ts";
import { internalScopeOf } from "../http/routes/middleware.ts";
import type { StrataEnv } from "../http/routes/request-scope.ts";
import { newSecret } from "../platform.ts";
import type { RedisClient } from "../redis/client.ts";
import { createSessionStore } from "../redis/session-store.ts";
import { createSessions, type Sessions } from "../sessions/sessions.ts";

export interface SessionParts {
  readonly redis: RedisClient;
  readonly breaker: Breaker;
  readonly config: Config;
  readonly newId: NewId;
}

/** Builds the sessions. */
export function composeSessions({
  redis,
  breaker,
  config,
  newId,
}: SessionParts): Sessions<StrataEnv> {
  const { namespace, settings } = config;
  return createSessions<StrataEnv>({
    store: createSessionStore({ redis, namespace, breaker, newId, ...settings.sessions }),
    ctxOf: (c) => internalScopeOf(c).ctx,
    giveCookie(c, cookie) {
      const scope = internalScopeOf(c);
      (scope.sessionCookies ??= []).push(cookie);
    },
    newSecret,
    hashOf: sha256Hex,
    absoluteMs: settings.sessions.absoluteMs,
    trustedOrigins: new Set(
      config.corsCredentials && config.corsOrigins !== "*" ? config.corsOrigins : [],
    ),
  });
}
