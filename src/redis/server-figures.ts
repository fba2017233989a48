import type { Breaker } from "../core/breaker.ts";
import type { RedisFigures } from "../core/redis-figures.ts";
import type { Result } from "../core/result.ts";
import { attempt, type RedisClient } from "./client.ts";
import { parseInfo } from "./parse-info.ts";

/** The answers with which a server says that it has no INFO, or that this user may not use it. */
const NO_INFO = /^(?:ERR unknown command|ERR Command is not available|NOPERM)\b/i;

/**
 * Asks a Redis server for its figures with one INFO. A server that refuses INFO has no figures,
 * which is not a fault.
 */
export function readServerFigures(
  redis: RedisClient,
  breaker: Breaker,
): Promise<Result<RedisFigures>> {
  return breaker.run(() =>
    attempt(async () => {
      try {
        return parseInfo(await redis.exec<unknown>(["INFO"]));
      } catch (error) {
        if (error instanceof Error && NO_INFO.test(error.message)) return {};
        throw error;
      }
    }),
  );
}
