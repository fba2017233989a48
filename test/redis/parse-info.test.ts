import { describe, expect, it } from "vitest";
import { parseInfo } from "../../src/redis/parse-info.ts";

const lines = (...all: string[]): string => all.join("\r\n");

/** The form of an answer of Upstash, whose limit is that of the plan. */
const UPSTASH = lines(
  "# Server",
  "upstash_version:1.13.3",
  "",
  "# Clients",
  "connected_clients:3",
  "maxclients:10000",
  "",
  "# Memory",
  "used_memory:1024",
  "maxmemory:67108864",
  "maxmemory_policy:noeviction",
  "",
  "# Persistence",
  "total_data_size:2048",
  "total_data_size_human:2.000KB",
  "max_data_size:268435456",
  "",
  "# Stats",
  "evicted_keys:7",
  "keyspace_hits:350",
  "keyspace_misses:85",
);

const REDIS_7 = lines(
  "# Clients",
  "connected_clients:12",
  "maxclients:10000",
  "# Memory",
  "used_memory:1093464",
  "used_memory_human:1.04M",
  "maxmemory:0",
  "maxmemory_policy:volatile-lru",
  "# Stats",
  "evicted_keys:0",
  "keyspace_hits:12",
  "keyspace_misses:0",
);

describe("parseInfo", () => {
  it("an answer of Upstash gives the size of the data and the limit of the plan, not the memory of the server", () => {
    expect(parseInfo(UPSTASH)).toEqual({
      usedBytes: 2048,
      maxBytes: 268435456,
      evictionPolicy: "noeviction",
      evictions: 7,
      connections: 3,
      maxConnections: 10_000,
      hits: 350,
      misses: 85,
    });
  });

  it("an answer of Redis 7 without a limit of memory gives no limit", () => {
    expect(parseInfo(REDIS_7)).toEqual({
      usedBytes: 1_093_464,
      evictionPolicy: "volatile-lru",
      evictions: 0,
      connections: 12,
      maxConnections: 10_000,
      hits: 12,
      misses: 0,
    });
  });

  it.each([
    ["no text", null],
    ["a map", { used_memory: 5 }],
    ["headings alone", "# Memory\r\n# Stats\r\n"],
    ["figures that are no numbers", "used_memory:5.5\nevicted_keys:-1\nkeyspace_hits:\nx"],
    ["a policy that is no name", 'maxmemory_policy:a"b\n'],
    ["a number of 16 digits", "used_memory:1234567890123456"],
  ])("an answer of INFO that is %s gives no figures", (_what, answer) => {
    expect(parseInfo(answer)).toEqual({});
  });
});
