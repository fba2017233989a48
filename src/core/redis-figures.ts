/** The figures of a Redis server. A figure is absent if the server does not report it. */
export interface RedisFigures {
  readonly usedBytes?: number;
  /** The size at which the server evicts keys or refuses writes. Absent if it has no such limit. */
  readonly maxBytes?: number;
  /** The eviction policy, such as `noeviction`. */
  readonly evictionPolicy?: string;
  /** Keys that were evicted since the server started. */
  readonly evictions?: number;
  readonly connections?: number;
  readonly maxConnections?: number;
  /** Reads of keys that existed, and of keys that did not, since the server started. */
  readonly hits?: number;
  readonly misses?: number;
}
