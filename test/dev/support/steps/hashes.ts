import type { Step } from "../transcript.ts";

export const hashes: readonly Step[] = [
  ["HSET", "h", "a", "1", "b", "2"],
  ["HSET", "h", "a", "3", "c", "4"],
  ["HSET", "h", "a"],
  ["HGET", "h", "a"],
  ["HGET", "h", "none"],
  ["HGET", "none", "a"],
  ["HMGET", "h", "a", "none", "b"],
  ["HSET", "h", "10", "ten", "__proto__", "p", "n", "9"],
  ["HGETALL", "h"],
  ["HGETALL", "none"],
  ["HLEN", "h"],
  ["HDEL", "h", "a", "none", "b"],
  ["HDEL", "h", "c", "10", "__proto__", "n"],
  ["EXISTS", "h"],
  ["SET", "s", "x"],
  ["HSET", "s", "a", "1"],
  ["HGETALL", "s"],
];
