/**
 * The Lua scripts that charge accounts inside Redis.
 *
 * - All keys are in KEYS, so that Upstash need not take its global lock.
 * - The time is Redis' own, since the clocks of isolates differ.
 * - Numbers are written with %.0f, since Lua's default format loses digits above 10^14.
 *
 * KEYS are the accounts. ARGV has the tokens for each request, the number of requests, and then for
 * each account its debt, the debt's age in milliseconds, the number of its windows, and for each
 * window its limit and its width. A script answers {admitted, now, the state of each account as text}.
 */
const READ_WRITE = "#!lua flags=allow-key-locking\n";

const CLOCK = `
local unpack = unpack or table.unpack
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local at = 0
local function number()
  at = at + 1
  return tonumber(ARGV[at])
end
local function text(value)
  return string.format('%.0f', value)
end
`;

/**
 * The sliding window. An account is one string: `width start current previous`, repeated for each
 * window. It costs the script, TIME, MGET, and one SET for each account that changes. `bucket.ts` has
 * the same arithmetic and explains it.
 */
export const SLIDING_WINDOW = `${READ_WRITE}${CLOCK}
local cost, admitted = number(), number()
local values = redis.call('MGET', unpack(KEYS))
local accounts = {}
for i = 1, #KEYS do
  local known = {}
  for width, start, current, previous in string.gmatch(values[i] or '', '(%d+) (%d+) (%d+) (%d+)') do
    known[tonumber(width)] = { tonumber(start), tonumber(current), tonumber(previous) }
  end
  local debt, age, count = number(), number(), number()
  local windows = {}
  for w = 1, count do
    local limit, width = number(), number()
    local start, current, previous = unpack(known[width] or { now, 0, 0 })
    local function roll()
      if now - start >= 2 * width then
        start, current, previous = now, 0, 0
      elseif now - start >= width then
        start, current, previous = start + width, 0, current
      end
    end
    roll()
    if debt > 0 then
      local used = now - age
      if current == 0 and previous == 0 then
        start = used
        roll()
      end
      if used >= start or age == 0 then
        current = current + debt
      elseif previous == 0 and age < width then
        start, current = used, current + debt
      elseif used >= start - width then
        previous = previous + debt
      end
    end
    local passed = math.max(0, now - start)
    local fading = math.max(0, math.floor((previous * (width - passed) - 1) / width))
    local room = limit - current - fading
    if cost > 0 then admitted = math.min(admitted, math.max(0, math.floor(room / cost))) end
    windows[w] = { width, start, current, previous }
  end
  accounts[i] = { debt, windows }
end
local texts = {}
for i, account in ipairs(accounts) do
  local parts, keep = {}, 0
  for _, window in ipairs(account[2]) do
    local width, start, current, previous = unpack(window)
    local tokens = admitted * cost
    if tokens > 0 and current == 0 and previous == 0 then start = now end
    current = current + tokens
    if current > 0 then
      keep = math.max(keep, start + 2 * width - now)
    elseif previous > 0 then
      keep = math.max(keep, start + width - now)
    end
    parts[#parts + 1] = table.concat({ text(width), text(start), text(current), text(previous) }, ' ')
  end
  texts[i] = table.concat(parts, ' ')
  if keep > 0 and (account[1] > 0 or admitted * cost > 0) then
    redis.call('SET', KEYS[i], texts[i], 'PX', text(keep))
  end
end
return { admitted, text(now), texts }
`;

/**
 * The sliding log. An account is a sorted set with one member for each token in use, scored by the
 * millisecond of its use. The last of ARGV is a text that makes the members of this call unique. The
 * state of a window is `used oldest frees`: the tokens in use, the instant of the oldest one, and the
 * instant of the one whose end makes room for the cost (0 if there is none).
 */
export const SLIDING_LOG = `${READ_WRITE}${CLOCK}
local cost, admitted = number(), number()
local name = ARGV[#ARGV]
local accounts = {}
for i = 1, #KEYS do
  local debt, age, count = number(), number(), number()
  local windows = {}
  for w = 1, count do windows[w] = { number(), number() } end
  local longest = windows[count][2]
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', text(now - longest))
  for n = 1, debt do
    if age < longest then redis.call('ZADD', KEYS[i], text(now - age), name .. ':d' .. text(n)) end
  end
  for _, window in ipairs(windows) do
    window[3] = redis.call('ZCOUNT', KEYS[i], '(' .. text(now - window[2]), '+inf')
    if cost > 0 then
      admitted = math.min(admitted, math.max(0, math.floor((window[1] - window[3]) / cost)))
    end
  end
  accounts[i] = { windows, longest, debt }
end
local function instant(key, width, rank)
  local found = redis.call('ZRANGE', key, '(' .. text(now - width), '+inf', 'BYSCORE', 'LIMIT', text(rank), '1', 'WITHSCORES')
  return text(tonumber(found[2] or 0))
end
local texts = {}
for i, account in ipairs(accounts) do
  local tokens = admitted * cost
  for n = 1, tokens do redis.call('ZADD', KEYS[i], text(now), name .. ':' .. text(n)) end
  if tokens > 0 or account[3] > 0 then redis.call('PEXPIRE', KEYS[i], text(account[2])) end
  local parts = {}
  for _, window in ipairs(account[1]) do
    local limit, width, used = window[1], window[2], window[3] + tokens
    local over = used + cost - limit
    local frees = '0'
    if over > 0 and over <= used then frees = instant(KEYS[i], width, over - 1) end
    local oldest = used > 0 and instant(KEYS[i], width, math.max(0, used - limit)) or '0'
    parts[#parts + 1] = table.concat({ text(used), oldest, frees }, ' ')
  end
  texts[i] = table.concat(parts, ' ')
end
return { admitted, text(now), texts }
`;
