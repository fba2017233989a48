import type { Config } from "../config.ts";
import type { CompareSettings } from "../core/traffic.ts";
import type { Platform } from "../platform.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { createComparison } from "../telemetry/traffic/compare.ts";
import { createEviction, type Eviction } from "../tiers/eviction/choice.ts";
import { createMemoryTier } from "../tiers/memory.ts";

/** Builds the comparison of settings. It simulates with the memory tier and the eviction orders of the layer. */
export function composeComparison(
  { settings }: Config,
  { sketches }: Pick<Telemetry, "sketches">,
  { random, sleep }: Platform,
): CompareSettings {
  return createComparison({
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
}
