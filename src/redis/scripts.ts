import { TOP } from "../core/log.ts";
import { SOFT } from "../core/invalidation-key.ts";

/**
 * The scripts that run inside Redis. Numbers are written with %.0f: Lua's own
 * form loses digits above 10^14. Every key is in KEYS, so that Upstash need not
 * take its global lock.
 *
 * KEYS[1] is always the log: a sorted set of members by their latest number.
 */
const READ_ONLY = "#!lua flags=no-writes,allow-key-locking\n";
const READ_WRITE = "#!lua flags=allow-key-locking\n";

/** The head of the log, and the changes since a number unless it is ''. */
const LOG = `
local unpack = unpack or table.unpack
local function log(inv, since, limit)
  local seq = redis.call('ZSCORE', inv, '!seq')
  local top = redis.call('ZRANGE', inv, '${TOP}', '${TOP}', 'BYSCORE')
  local changes = {}
  if since ~= '' then
    changes = redis.call('ZRANGE', inv, '+inf', since, 'BYSCORE', 'REV', 'LIMIT', 0, limit, 'WITHSCORES')
  end
  return { seq, top, changes }
end
local function numbers(inv, members)
  local out = {}
  for from = 1, #members, 4000 do
    local part = redis.call('ZMSCORE', inv, unpack(members, from, math.min(from + 3999, #members)))
    for i = 1, math.min(4000, #members - from + 1) do out[from + i - 1] = tonumber(part[i] or 0) or 0 end
  end
  return out
end
local function era(inv)
  for _, name in ipairs(redis.call('ZRANGE', inv, '${TOP}', '${TOP}', 'BYSCORE')) do
    if string.sub(name, 1, 5) == '!era:' then return name end
  end
end
local function micros()
  local now = redis.call('TIME')
  return tonumber(now[1]) * 1000000 + tonumber(now[2])
end
`;

/**
 * KEYS[2..] entries; ARGV: since, limit.
 * Returns {values, hard numbers, soft numbers, log}: each entry with the highest
 * number of the members in its second line, hard and soft.
 */
export const READ = `${READ_ONLY}${LOG}
local values = redis.call('MGET', unpack(KEYS, 2))
local asked, at = {}, {}
local function ask(member)
  if not at[member] then
    asked[#asked + 1] = member
    at[member] = #asked
  end
end
local members = {}
for i = 1, #KEYS - 1 do
  local line = values[i] and string.match(values[i], '^[^\\n]*\\n([^\\n]*)\\n')
  members[i] = {}
  for member in string.gmatch(line or '', '[^\\t]+') do
    members[i][#members[i] + 1] = member
    ask(member)
    ask('${SOFT}' .. member)
  end
end
local scores = numbers(KEYS[1], asked)
local hard, soft = {}, {}
for i = 1, #KEYS - 1 do
  local h, s = 0, 0
  for _, member in ipairs(members[i]) do
    h = math.max(h, scores[at[member]])
    s = math.max(s, scores[at['${SOFT}' .. member]])
  end
  hard[i], soft[i] = string.format('%.0f', h), string.format('%.0f', s)
  values[i] = values[i] or ''
end
return { values, hard, soft, log(KEYS[1], ARGV[1], ARGV[2]) }
`;

/** ARGV: since, limit, members. Returns {highest hard number, highest soft number, log}. */
export const VERIFY = `${READ_ONLY}${LOG}
local members = {}
for i = 3, #ARGV do
  members[#members + 1] = ARGV[i]
  members[#members + 1] = '${SOFT}' .. ARGV[i]
end
local h, s = 0, 0
for i, score in ipairs(numbers(KEYS[1], members)) do
  if i % 2 == 1 then h = math.max(h, score) else s = math.max(s, score) end
end
return { string.format('%.0f', h), string.format('%.0f', s), log(KEYS[1], ARGV[1], ARGV[2]) }
`;

/**
 * ARGV: a name for a new era, members. The number rises above everything before,
 * and above the clock, so that a flushed log does not start low.
 * Returns {number, era, highest previous number of the members}.
 */
export const INVALIDATE = `${READ_WRITE}${LOG}
local inv = KEYS[1]
local members = {}
for i = 2, #ARGV do members[i - 1] = ARGV[i] end
local seq = tonumber(redis.call('ZSCORE', inv, '!seq') or 0) or 0
local number = string.format('%.0f', math.max(seq + 1, micros()))
local name = era(inv)
if not name then
  name = '!era:' .. ARGV[1]
  redis.call('ZADD', inv, '${TOP}', name)
end
local previous = 0
for _, score in ipairs(numbers(inv, members)) do previous = math.max(previous, score) end
local add = { number, '!seq' }
for _, member in ipairs(members) do
  add[#add + 1] = number
  add[#add + 1] = member
  if #add >= 4000 then
    redis.call('ZADD', inv, unpack(add))
    add = { number, '!seq' }
  end
end
redis.call('ZADD', inv, unpack(add))
return { number, name, string.format('%.0f', previous) }
`;

/**
 * ARGV: a name for a new era, known era, known number, limit. Creates the era if
 * there is none; renews it if this life of the log lacks numbers that were seen.
 * Returns the log since the known number.
 */
export const ESTABLISH = `${READ_WRITE}${LOG}
local inv = KEYS[1]
local name = era(inv)
local seq = tonumber(redis.call('ZSCORE', inv, '!seq') or 0) or 0
local known = tonumber(ARGV[3]) or 0
local lost = name and name == '!era:' .. ARGV[2] and seq < known
if not name or seq == 0 or lost then
  for _, old in ipairs(redis.call('ZRANGE', inv, '${TOP}', '${TOP}', 'BYSCORE')) do
    redis.call('ZREM', inv, old)
  end
  redis.call('ZADD', inv, '${TOP}', '!era:' .. ARGV[1])
  redis.call('ZADD', inv, string.format('%.0f', math.max(seq + 1, known + 1, micros())), '!seq')
end
return log(inv, ARGV[3], ARGV[4])
`;

/**
 * KEYS[2] marks: numbers by the millisecond at which they were current.
 * ARGV: how many milliseconds to keep. Forgets what was current longer ago.
 * Returns the floor.
 */
export const TRIM = `${READ_WRITE}${LOG}
local inv, marks = KEYS[1], KEYS[2]
local seq = redis.call('ZSCORE', inv, '!seq')
if not seq then return '0' end
local now = math.floor(micros() / 1000)
redis.call('ZADD', marks, 'NX', string.format('%.0f', now), seq)
local cut = string.format('%.0f', now - tonumber(ARGV[1]))
local old = redis.call('ZRANGE', marks, cut, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1)[1]
local floor = '0'
for _, name in ipairs(redis.call('ZRANGE', inv, '${TOP}', '${TOP}', 'BYSCORE')) do
  if string.sub(name, 1, 7) == '!floor:' then floor = string.sub(name, 8) end
end
if not old or tonumber(old) <= tonumber(floor) then return floor end
redis.call('ZREMRANGEBYSCORE', inv, '-inf', old)
redis.call('ZADD', inv, seq, '!seq')
redis.call('ZREM', inv, '!floor:' .. floor)
redis.call('ZADD', inv, '${TOP}', '!floor:' .. old)
redis.call('ZREMRANGEBYSCORE', marks, '-inf', '(' .. redis.call('ZSCORE', marks, old))
return old
`;
