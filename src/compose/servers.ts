import type { Config } from "../config.ts";
import type { BreakerChange } from "../core/events.ts";
import type { ProbedFlightPort } from "../durable/flight-port.ts";
import { createSqlProbe } from "../origin/neon.ts";
import type { Platform } from "../platform.ts";
import { attempt, createRedis } from "../redis/client.ts";
import { composeBreakers } from "./breakers.ts";

/** Creates the clients of the servers that a layer calls, and their breakers. */
export function composeServers(
  { settings, redisUrl: url, redisToken: token, databaseUrl, neonEndpoint }: Config,
  platform: Platform,
  flights: Pick<ProbedFlightPort, "probe">,
  onChange: (change: BreakerChange) => void,
) {
  const redis = createRedis({ url, token, timeoutMs: settings.redis.timeoutMs });
  // Rate limits have a client and a breaker of their own, so that their failures never open the breaker of the cache.
  const limiterRedis = createRedis({ url, token, timeoutMs: settings.limits.timeoutMs });
  // Sessions too: a page without a session is then not slower while the store of sessions fails.
  const sessionRedis = createRedis({ url, token, timeoutMs: settings.sessions.timeoutMs });
  const sqlServer = {
    databaseUrl,
    ...(neonEndpoint !== undefined && { neonEndpoint }),
    timeoutMs: settings.origin.sqlTimeoutMs,
  };
  const probes = {
    redis: () => attempt(() => redis.ping()),
    limiter: () => attempt(() => limiterRedis.ping()),
    sql: createSqlProbe(sqlServer),
    flight: () => flights.probe(),
  };
  const breakers = composeBreakers(settings, probes, platform, onChange);
  return { redis, limiterRedis, sessionRedis, sqlServer, breakers };
}
