/**
 * Commands that Upstash's REST API does not offer, because they keep state on a connection, block
 * it, or administer the server.
 * @see https://upstash.com/docs/redis/overall/rediscompatibility
 */
const UNAVAILABLE = new Set([
  ..."MULTI EXEC DISCARD WATCH UNWATCH AUTH HELLO SELECT QUIT RESET CLIENT MONITOR SYNC PSYNC".split(
    " ",
  ),
  ..."SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE".split(" "),
  ..."BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF".split(" "),
  ..."SHUTDOWN CONFIG DEBUG SAVE BGSAVE BGREWRITEAOF REPLICAOF SLAVEOF FAILOVER MODULE ACL CLUSTER".split(
    " ",
  ),
  ..."LATENCY SLOWLOG SWAPDB MIGRATE FUNCTION FCALL FCALL_RO ASKING READONLY READWRITE RESTORE-ASKING".split(
    " ",
  ),
]);

/** Commands that never write. Every other command counts as a write. */
const READS = new Set([
  ..."GET MGET STRLEN GETRANGE SUBSTR GETBIT BITCOUNT BITPOS BITFIELD_RO LCS EXISTS TYPE TTL PTTL".split(
    " ",
  ),
  ..."EXPIRETIME PEXPIRETIME KEYS SCAN RANDOMKEY DBSIZE OBJECT DUMP TOUCH MEMORY".split(" "),
  ..."HGET HMGET HGETALL HKEYS HVALS HLEN HEXISTS HSTRLEN HSCAN HRANDFIELD HTTL HPTTL".split(" "),
  ..."LRANGE LLEN LINDEX LPOS SMEMBERS SISMEMBER SMISMEMBER SCARD SINTER SUNION SDIFF SINTERCARD".split(
    " ",
  ),
  ..."SRANDMEMBER SSCAN ZRANGE ZREVRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZRANGEBYLEX ZREVRANGEBYLEX".split(
    " ",
  ),
  ..."ZSCORE ZMSCORE ZRANK ZREVRANK ZCARD ZCOUNT ZLEXCOUNT ZDIFF ZINTER ZUNION ZINTERCARD ZSCAN".split(
    " ",
  ),
  ..."ZRANDMEMBER XRANGE XREVRANGE XLEN XREAD XINFO XPENDING PFCOUNT GEODIST GEOPOS GEOHASH".split(
    " ",
  ),
  ..."GEOSEARCH GEORADIUS_RO EVAL_RO EVALSHA_RO SCRIPT PING ECHO TIME INFO COMMAND PUBSUB".split(
    " ",
  ),
]);

/** Tests whether the REST API offers a command. */
export function isAvailable(name: string): boolean {
  return !UNAVAILABLE.has(name);
}

/** Tests by its name whether a command only reads. A script counts as a read in its `_RO` form. */
export function onlyReads(name: string): boolean {
  return READS.has(name);
}

/** Commands that read the value of their first argument. INFO counts these reads as hits and misses. */
const VALUE_READS = new Set(
  "GET STRLEN HGET HMGET HGETALL HLEN ZRANGE ZREVRANGE ZSCORE ZMSCORE ZCARD ZCOUNT".split(" "),
);

/** Returns the keys whose values a command reads. */
export function keysRead<Key>(name: string, args: readonly Key[]): readonly Key[] {
  if (name === "MGET") return args;
  return VALUE_READS.has(name) ? args.slice(0, 1) : [];
}
