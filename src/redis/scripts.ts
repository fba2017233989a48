import { ERASE_READS } from "../core/erasure.ts";
import { MAX_CHANGES, TOP } from "../core/log.ts";
import { SOFT, UNCONFIRMED } from "../core/invalidation-key.ts";
import { SPLIT } from "./parts.ts";

/**
 * The Lua scripts of the shared store. They keep the invalidation log: a sorted set in which each
 * log key (`t:product:42`, `~t:products`) has the number of its latest invalidation as its score.
 * `!seq` has the newest number; `!era:<name>` and `!floor:<number>` have the score 2^53 - 1.
 * docs/consistency.md says what the numbers are for; docs/storage-schema.md lists the members.
 *
 * - KEYS[1] is the log. Every key is in KEYS, so that Upstash does not take its global lock.
 * - A replica that has only the first writes of a script is behind, and not wrong: log keys get their
 *   number before `!seq` does, and the floor rises before numbers are removed.
 * - Numbers are written with %.0f, because Lua's own format loses digits above 10^14.
 * - An invalidation key is called a name; its soft form is `~` and the name, its unconfirmed form `?`
 *   and the name.
 */
/** The members that describe the log itself: the era, the floor and `!seq`. */
const MAX_OWN_MEMBERS = 3;
const READ_ONLY = "#!lua flags=no-writes,allow-key-locking\n";
const READ_WRITE = "#!lua flags=allow-key-locking\n";

/**
 * Lua functions that the scripts share. `log` returns the members of the log with their scores, from
 * the highest score down to the number `since`: era and floor first, then `!seq` among the changes.
 */
const LOG = `
local unpack = unpack or table.unpack
local function log(inv, since, limit)
  return redis.call('ZRANGE', inv, '+inf', since, 'BYSCORE', 'REV', 'LIMIT', 0, limit, 'WITHSCORES')
end
local function numbers(inv, names)
  local out = {}
  for from = 1, #names, 4000 do
    local part = redis.call('ZMSCORE', inv, unpack(names, from, math.min(from + 3999, #names)))
    for i = 1, math.min(4000, #names - from + 1) do out[from + i - 1] = tonumber(part[i] or 0) or 0 end
  end
  return out
end
-- The highest hard, soft and unconfirmed number of each line of names, which tabs separate.
local function highest(inv, lines)
  local asked, at, named = {}, {}, {}
  local function ask(name)
    if not at[name] then
      asked[#asked + 1] = name
      at[name] = #asked
    end
  end
  for i, line in ipairs(lines) do
    named[i] = {}
    for name in string.gmatch(line, '[^\\t]+') do
      named[i][#named[i] + 1] = name
      ask(name)
      ask('${SOFT}' .. name)
      ask('${UNCONFIRMED}' .. name)
    end
  end
  local scores = numbers(inv, asked)
  local hard, soft, unconfirmed = {}, {}, {}
  for i, names in ipairs(named) do
    local h, s, u = 0, 0, 0
    for _, name in ipairs(names) do
      h = math.max(h, scores[at[name]])
      s = math.max(s, scores[at['${SOFT}' .. name]])
      u = math.max(u, scores[at['${UNCONFIRMED}' .. name]])
    end
    hard[i], soft[i] = string.format('%.0f', h), string.format('%.0f', s)
    unconfirmed[i] = string.format('%.0f', u)
  end
  return hard, soft, unconfirmed
end
-- The member for the era, if there is one, and the floor.
local function eraAndFloor(inv)
  local era, floor = nil, '0'
  for _, name in ipairs(redis.call('ZRANGE', inv, '${TOP}', '${TOP}', 'BYSCORE')) do
    if string.sub(name, 1, 5) == '!era:' then era = name end
    if string.sub(name, 1, 7) == '!floor:' then floor = string.sub(name, 8) end
  end
  return era, floor
end
local function micros()
  local now = redis.call('TIME')
  return tonumber(now[1]) * 1000000 + tonumber(now[2])
end
`;

/**
 * Reads entries and the log. KEYS[2..]: entries. ARGV: since, limit of changes.
 * Returns {values, hard, soft, unconfirmed, log}. The three in the middle have, for each entry, the
 * highest number of each kind that the invalidation keys in its second line have.
 */
export const READ = `${READ_ONLY}${LOG}
local values = redis.call('MGET', unpack(KEYS, 2))
local lines = {}
for i = 1, #KEYS - 1 do
  values[i] = values[i] or ''
  lines[i] = string.match(values[i], '^[^\\n]*\\n([^\\n]*)\\n') or ''
end
local hard, soft, unconfirmed = highest(KEYS[1], lines)
return { values, hard, soft, unconfirmed, log(KEYS[1], ARGV[1], ARGV[2]) }
`;

/**
 * Reads the highest numbers of invalidation keys, and the log. ARGV: since, limit, and for each entry
 * its invalidation keys with tabs between them. Returns {hard, soft, unconfirmed, log}, with one
 * number of each kind for each entry.
 */
export const VERIFY = `${READ_ONLY}${LOG}
local lines = {}
for i = 3, #ARGV do lines[i - 2] = ARGV[i] end
local hard, soft, unconfirmed = highest(KEYS[1], lines)
return { hard, soft, unconfirmed, log(KEYS[1], ARGV[1], ARGV[2]) }
`;

/**
 * Gives log keys a new number. ARGV: a name for a new era, how many log keys get the number, these
 * log keys, watched log keys.
 * The number is above all earlier ones, and at least Redis' clock in microseconds, so that a log
 * that was flushed does not begin below the old numbers.
 * Returns {number, era, highest previous number of all these log keys, or the floor if it is higher}.
 */
export const INVALIDATE = `${READ_WRITE}${LOG}
local inv = KEYS[1]
local keys = {}
for i = 3, #ARGV do keys[i - 2] = ARGV[i] end
keys[#keys + 1] = '!seq'
local scores = numbers(inv, keys)
local newest = math.max(scores[#keys] + 1, micros())
local number = string.format('%.0f', newest)
local name, floor = eraAndFloor(inv)
if not name then
  name = '!era:' .. ARGV[1]
  redis.call('ZADD', inv, '${TOP}', name)
end
-- A number up to the floor may have been trimmed.
local previous = tonumber(floor)
for i = 1, #keys - 1 do previous = math.max(previous, scores[i]) end
local count = tonumber(ARGV[2])
local add = {}
for i = 1, count do
  if #add == 4000 then
    redis.call('ZADD', inv, unpack(add))
    add = {}
  end
  add[#add + 1] = number
  add[#add + 1] = keys[i]
end
-- Members of one number come before '!seq', and an answer has ${MAX_CHANGES} members. If the log keys
-- may fill it, '!seq' is one higher, so that every answer has it.
if count > ${MAX_CHANGES - MAX_OWN_MEMBERS} then newest = newest + 1 end
add[#add + 1] = string.format('%.0f', newest)
add[#add + 1] = '!seq'
redis.call('ZADD', inv, unpack(add))
return { number, name, string.format('%.0f', previous) }
`;

/**
 * Removes those of the entries KEYS that have one of the names and were loaded before a number or in
 * another era. ARGV: the number, the era, `remove` or `find`, the names. A value that is no entry is removed too, as a read
 * would do. The head of a divided entry has no number: it is removed by its names. With
 * `find` nothing is removed. Returns the positions of the entries in KEYS.
 */
export const ERASE = `${READ_WRITE}
local unpack = unpack or table.unpack
local names, removed, gone = {}, {}, {}
for i = 4, #ARGV do names[ARGV[i]] = true end
local function isErased(text)
  local line, header = string.match(text, '^[^\\n]*\\n([^\\n]*)\\n([^\\n]*)\\n')
  if header then
    local isOfEra = string.find(header, '"r":"' .. ARGV[2] .. '"', 1, true)
    local number = tonumber(string.match(header, '"o":(%d+)') or 0)
    local upTo = tonumber(ARGV[1])
    if upTo > 0 and isOfEra and number >= upTo then return false end
  elseif string.sub(text, 1, ${SPLIT.length}) == '${SPLIT.trimEnd()}\\n' then
    line = string.match(text, '\\n([^\\n]*)\\n')
  end
  if not line then return true end
  for name in string.gmatch(line, '[^\\t]+') do
    if names[name] then return true end
  end
  return false
end
for from = 1, #KEYS, ${ERASE_READS} do
  local last = math.min(from + ${ERASE_READS - 1}, #KEYS)
  for i, text in ipairs(redis.call('MGET', unpack(KEYS, from, last))) do
    if text and isErased(text) then
      removed[#removed + 1] = from + i - 1
      gone[#gone + 1] = KEYS[from + i - 1]
    end
  end
end
if ARGV[3] == 'remove' and #gone > 0 then redis.call('DEL', unpack(gone)) end
return removed
`;

/**
 * Creates the log's era if there is none, and a new era if the log lost numbers that the caller has
 * seen. ARGV: a name for a new era, known era, known number, limit.
 * Returns the log since the known number; all of it if the era is another one.
 */
export const ESTABLISH = `${READ_WRITE}${LOG}
local inv = KEYS[1]
local name = eraAndFloor(inv)
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
-- Numbers of another era may be above all numbers of this one.
if name ~= '!era:' .. ARGV[2] then return log(inv, '0', ARGV[4]) end
return log(inv, ARGV[3], ARGV[4])
`;

/**
 * Removes old numbers from the log and raises the floor to the highest of them. ARGV: how many
 * milliseconds of the log to keep, how many log keys to keep at most. KEYS[2]: the marks, a sorted
 * set. A mark is a number of the log; its score is the millisecond at which the script first saw it
 * as the newest number. Returns the floor.
 */
export const TRIM = `${READ_WRITE}${LOG}
local inv, marks = KEYS[1], KEYS[2]
local seq = redis.call('ZSCORE', inv, '!seq')
if not seq then return '0' end
local now = math.floor(micros() / 1000)
redis.call('ZADD', marks, 'NX', string.format('%.0f', now), seq)
local cut = string.format('%.0f', now - tonumber(ARGV[1]))
local old = redis.call('ZRANGE', marks, cut, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1, 'WITHSCORES')
if old[1] then redis.call('ZREMRANGEBYSCORE', marks, '-inf', '(' .. old[2]) end
local number = tonumber(old[1] or 0)
-- The members for the era and for the newest number are no log keys, and neither is the floor.
local _, floor = eraAndFloor(inv)
local described = floor == '0' and 2 or 3
local spare = redis.call('ZCARD', inv) - described - tonumber(ARGV[2])
if spare > 0 then
  local last = redis.call('ZRANGE', inv, spare - 1, spare - 1, 'WITHSCORES')
  number = math.max(number, tonumber(last[2]))
end
if number <= tonumber(floor) then return floor end
local raised = string.format('%.0f', number)
redis.call('ZADD', inv, '${TOP}', '!floor:' .. raised)
redis.call('ZREM', inv, '!floor:' .. floor)
redis.call('ZREMRANGEBYSCORE', inv, '-inf', raised)
redis.call('ZADD', inv, seq, '!seq')
return raised
`;
