import type { RedisFigures } from "../core/redis-figures.ts";

/**
 * Reads an answer of INFO. Upstash writes the size that counts against the limit of the plan as
 * `total_data_size` and `max_data_size`; Redis and Valkey write `used_memory` and `maxmemory`.
 *
 * @see https://upstash.com/docs/redis/commands/server/info
 * @see https://redis.io/docs/latest/commands/info/
 */
export function parseInfo(answer: unknown): RedisFigures {
  if (typeof answer !== "string") return {};
  const fields = new Map(
    answer.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(":");
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1).trim()] as const] : [];
    }),
  );
  const number = (name: string): number | undefined => {
    const text = fields.get(name) ?? "";
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  const isUpstash = number("max_data_size") !== undefined;
  const policy = fields.get("maxmemory_policy") ?? "";
  const figures = {
    usedBytes: number(isUpstash ? "total_data_size" : "used_memory"),
    // Redis writes a limit that is not set as 0.
    maxBytes: number(isUpstash ? "max_data_size" : "maxmemory") || undefined,
    evictionPolicy: /^[a-z-]{1,40}$/.test(policy) ? policy : undefined,
    evictions: number("evicted_keys"),
    connections: number("connected_clients"),
    maxConnections: number("maxclients") || undefined,
    hits: number("keyspace_hits"),
    misses: number("keyspace_misses"),
  };
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== undefined));
}
