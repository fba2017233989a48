/** The metrics that a Redis server reports of itself. */
import type { Metric } from "./metric.ts";

const WHERE = "a run of the task redis-figures";

export const REDIS_METRICS = {
  "cache.redis.memory.usage": {
    type: "gauge",
    unit: "By",
    labels: [],
    description: "Bytes that the Redis server uses.",
    where: WHERE,
  },
  "cache.redis.memory.limit": {
    type: "gauge",
    unit: "By",
    labels: [],
    description: "Bytes at which the Redis server evicts keys or refuses writes.",
    where: WHERE,
  },
  "cache.redis.eviction.policy": {
    type: "gauge",
    unit: "1",
    labels: ["cache.policy"],
    description: "1 for the eviction policy of the Redis server.",
    where: WHERE,
  },
  "cache.redis.evictions": {
    type: "counter",
    unit: "{key}",
    labels: [],
    description: "Keys that the Redis server evicted since it started.",
    where: WHERE,
  },
  "cache.redis.connections": {
    type: "gauge",
    unit: "{connection}",
    labels: [],
    description: "Open connections of the Redis server.",
    where: WHERE,
  },
  "cache.redis.connections.limit": {
    type: "gauge",
    unit: "{connection}",
    labels: [],
    description: "Connections that the Redis server accepts at the same time.",
    where: WHERE,
  },
  "cache.redis.reads": {
    type: "counter",
    unit: "{read}",
    labels: ["cache.outcome"],
    description:
      "Reads of keys by commands and scripts since the Redis server started: hit or miss.",
    where: WHERE,
  },
} as const satisfies Readonly<Record<string, Metric>>;
