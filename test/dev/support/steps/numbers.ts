import { LOG, MICROS } from "./log.ts";
import { script } from "./script.ts";
import type { Step } from "../transcript.ts";

export const numbers: readonly Step[] = [
  LOG,
  script(
    "return redis.call('ZRANGE', KEYS[1], '+inf', '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 3, 'WITHSCORES')",
    ["inv"],
  ),
  script(
    "return redis.call('ZRANGE', KEYS[1], ARGV[1], '+inf', 'BYSCORE', 'WITHSCORES')",
    ["inv"],
    MICROS,
  ),
  script("return redis.call('ZMSCORE', KEYS[1], unpack(ARGV))", ["inv"], "t:a", "none", "!era:r1"),
  script("return redis.call('ZSCORE', KEYS[1], 'none')", ["inv"]),
  script(
    "local s = tonumber(redis.call('ZSCORE', KEYS[1], '!seq')) return {string.format('%.0f', s), string.format('%.0f', s + 1), string.format('%d', s), tostring(s), s}",
    ["inv"],
  ),
  script(
    "local top = tonumber(redis.call('ZSCORE', KEYS[1], '!era:r1')) return {string.format('%.0f', top), string.format('%.0f', top - 1), string.format('%.17g', top)}",
    ["inv"],
  ),
  script(
    "local n = math.max(tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000000 + tonumber(ARGV[3])) redis.call('ZADD', KEYS[1], string.format('%.0f', n), 'x') return redis.call('ZSCORE', KEYS[1], 'x')",
    ["made"],
    MICROS,
    1_795_256_082,
    "423635",
  ),
  script(
    "redis.call('ZADD', KEYS[1], tonumber(ARGV[1]), 'y') return redis.call('ZSCORE', KEYS[1], 'y')",
    ["made"],
    MICROS,
  ),
  script(
    "local t = redis.call('TIME') return {#t, type(t[1]), tonumber(t[1]) > 1700000000, tonumber(t[1]) * 1000000 + tonumber(t[2]) > 1.7e15}",
  ),
  script("return {2^31, 2^31 * 2, 4294967296, 0x7fffffff + 1, 1e15, 7 / 2, 7 % 3, -7 % 3, 10 / 5}"),
  script(
    "return {tostring(1790000000123457), tostring(2^53), tostring(100000000000000), tostring(0.1), tostring(1/3), tostring(-0.5), tostring(1e100), tostring(5), tostring(5.0)}",
  ),
  script("return {1 .. '', 2.5 .. '', 123456789 .. '', 1790000000123457 .. '', 1e15 .. ''}"),
  script(
    "return {string.format('%d', 3), string.format('%5.2f|%-5d|%05d|%+d', 1.239, 42, 42, 42), string.format('%x %X %o', 255, 255, 8), string.format('%e', 12345.678), string.format('%g %g %g', 1e20, 0.0001, 123456789)}",
  ),
  script(
    "return {string.format('%s %s %q', 1, 'a', 'b\"c'), string.format('%5s|%-5s|%.2s', 'a', 'b', 'cde'), string.format('%%'), string.format('%c', 65)}",
  ),
  script(
    "return {tonumber('10'), tonumber('0x10'), tonumber('1e3'), tonumber(' 5 '), tostring(tonumber('x')), tostring(tonumber('')), tonumber('11', 2)}",
  ),
  script(
    "return {math.floor(1790000000123457 / 1000), math.ceil(1.5), math.max(1, 2.5), math.min(3, 2), math.abs(-4), math.pow(2, 10), math.mod(7, 4), math.huge > 1e308}",
  ),
  script(
    "return {#'abc', string.len('é'), string.sub('hello', 2, -2), string.rep('ab', 3), string.byte('A'), string.upper('aé'), string.find('hello', 'l')}",
  ),
  script(
    "local parts = {} for word in string.gmatch('a,b,c', '[^,]+') do parts[#parts + 1] = word end return {table.concat(parts, '-'), #parts, select('#', unpack(parts))}",
  ),
  script(
    "local t = {5, 3, 9} table.sort(t) table.insert(t, 1, 0) table.remove(t) return {t[1], t[2], t[3], #t, table.getn(t)}",
  ),
  script(
    "local sum = 0 for i = 1, #KEYS do sum = sum + i * 1000000000 end for i = 10, 1, -3 do sum = sum + i end return {sum, sum * 2}",
    ["a", "b", "c"],
  ),
  script("local t = {} for i = 1, 3 do t[i] = i * 2147483647 end return t"),
  script(
    "local seen = {} for k, v in pairs({10, 20, a = 1}) do seen[#seen + 1] = tostring(k) end table.sort(seen) return seen",
  ),
  script(
    "return {redis.call('ZADD', KEYS[1], 1, 'a'), redis.call('ZREM', KEYS[1], 'a', 'b'), redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', 5), redis.call('EXISTS', KEYS[1])}",
    ["tmp"],
  ),
  script(
    "redis.call('SET', KEYS[1], '') return {redis.call('GET', KEYS[1]), redis.call('STRLEN', KEYS[1]), redis.call('ZCARD', 'none'), redis.call('DEL', KEYS[1], 'none')}",
    ["empty"],
  ),
  script("return loadstring('return 1 + 1')()"),
];
