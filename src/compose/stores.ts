import type { Config } from "../config.ts";
import type { Breaker } from "../core/breaker.ts";
import type { EncryptedPorts, Encryption } from "../core/encryption.ts";
import type { NewId } from "../core/random.ts";
import type { RedisClient } from "../redis/client.ts";
import { createRedisStore } from "../redis/store.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { withBreaker } from "../resilience/store-breaker.ts";
import { withMeter } from "../telemetry/metered-store.ts";
import { createEdgeTier } from "../tiers/edge.ts";

export interface StoreParts {
  readonly redis: RedisClient;
  readonly breaker: Breaker;
  readonly newId: NewId;
  readonly encryption: Encryption | undefined;
}

/** Builds the tiers outside the isolate. With encryption, they and the flights get ciphertext. */
export function composeStores(
  { namespace, settings }: Config,
  { redis, breaker, newId, encryption }: StoreParts,
): EncryptedPorts {
  const edge = createEdgeTier({
    open: () => caches.open(namespace),
    timeoutMs: settings.edge.timeoutMs,
    maxEntryChars: settings.edge.maxEntryChars,
    withTimeout,
  });
  const store = withBreaker(
    withMeter(
      createRedisStore({
        redis,
        namespace,
        newId,
        maxEntryChars: settings.redis.maxEntryChars,
        packFromChars: settings.redis.packFromChars,
        splits: settings.redis.oversize === "split",
      }),
    ),
    breaker,
  );
  return encryption?.open(namespace, { edge, store }) ?? { edge, store, flightsOf: (port) => port };
}
