import type { Config } from "../config.ts";
import type { Defer } from "../core/breaker.ts";
import type { CompareSettings } from "../core/traffic.ts";
import type { Platform } from "../platform.ts";
import { withTimeout } from "../resilience/deadline.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { createComparison } from "../telemetry/traffic/compare.ts";
import { shareComparison } from "../telemetry/traffic/share-comparison.ts";
import { createEviction, type Eviction } from "../tiers/eviction/choice.ts";
import { createMemoryTier } from "../tiers/memory.ts";

/** Builds the comparison of settings. It simulates with the memory tier and the eviction orders of the layer. */
export function composeComparison(
  { settings }: Config,
  { sketches }: Pick<Telemetry, "sketches">,
  { now, random, sleep }: Platform,
  keepAlive: Defer,
): CompareSettings {
  const compare = createComparison({
    sketches,
    pause: () => sleep(0),
    memory: settings.memory,
    createMemory: ({ eviction, maxBytes, maxEntries }, sizeOf) =>
      createMemoryTier({
        maxBytes,
        maxEntries,
        maxEntryBytes: settings.memory.maxEntryBytes,
        eviction: createEviction(eviction as Eviction, random),
        sizeOf,
      }),
  });
  return shareComparison({ compare, now, withTimeout, keepAlive });
}
