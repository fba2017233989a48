import type { MetricsReport } from "../../core/metrics.ts";
import type { RedisFigures } from "../../core/redis-figures.ts";
import type { EpochMs, Millis } from "../../core/time.ts";
import { seriesOf } from "./meter.ts";

/** The name in place of an isolate. All isolates report the server under it, so its figures are not added up. */
const SERVER = "redis";
/** The figures of a run hold until four further runs of the cron trigger have brought no newer ones. */
const HOLD_MS: Millis = 300_000;

/**
 * Returns the report of the figures of a Redis server. All reports of the server go to the same
 * metrics object, which keeps the newest: the sequence is the time.
 */
export function redisReport(figures: RedisFigures, now: EpochMs): MetricsReport {
  const { usedBytes, maxBytes, evictionPolicy, evictions, connections, maxConnections } = figures;
  const gauges: [string, number | undefined][] = [
    [seriesOf("cache.redis.memory.usage", []), usedBytes],
    [seriesOf("cache.redis.memory.limit", []), maxBytes],
    [seriesOf("cache.redis.evictions", []), evictions],
    [seriesOf("cache.redis.connections", []), connections],
    [seriesOf("cache.redis.connections.limit", []), maxConnections],
    [seriesOf("cache.redis.reads", ["hit"]), figures.hits],
    [seriesOf("cache.redis.reads", ["miss"]), figures.misses],
  ];
  if (evictionPolicy !== undefined)
    gauges.push([seriesOf("cache.redis.eviction.policy", [evictionPolicy]), 1]);
  return {
    isolate: SERVER,
    sequence: now,
    delta: [],
    gauges: gauges.flatMap(([series, value]) => (value === undefined ? [] : [[series, value]])),
    gaugesHoldMs: HOLD_MS,
    hot: [],
    missed: [],
    traces: [],
  };
}
