/**
 * The Lua scripts of the sessions. A session is a string with an expiry; the index of a user is a sorted
 * set of the hashes of the user's sessions, scored with the millisecond after which the session cannot exist.
 *
 * - All instants are by the clock of Redis, so that the clock of one isolate removes nothing.
 * - A session is deleted before its place in the index, and gets its place before it is stored. A replica
 *   that has only the first writes of a script therefore never has a session that the index lacks.
 * - Some scripts reach keys whose names they read from other keys, so that not every key is in KEYS. They lack
 *   the flag `allow-key-locking`: Upstash runs them under its global lock. Sign-ins and lists are rare.
 */
const LOCKING_KEYS = "#!lua flags=allow-key-locking\n";

const SHARED = `
local function millis()
  local now = redis.call('TIME')
  return tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
end
local function whole(number) return string.format('%.0f', number) end
local function keysOf(prefix, hashes)
  local keys = {}
  for i, hash in ipairs(hashes) do keys[i] = prefix .. hash end
  return keys
end
local function userOf(session)
  return string.match(redis.call('GET', session) or '', '^%x+ %d+ %d+ (%S+)$')
end
`;

/**
 * KEYS: session, index, last revocation. ARGV: hash, user, idle time, longest time, most sessions, prefix of
 * sessions, prefix of indexes, hash of the replaced session or '', 1 if the next one counts, last
 * revocation or ''.
 * Returns {createdAt, endsAt, number of commands}; two empty texts if there
 * was a revocation since.
 */
export const CREATE = `${SHARED}
local calls = 0
local function call(...)
  calls = calls + 1
  return redis.call(...)
end
local session, index = KEYS[1], KEYS[2]
local hash, user, idle, longest, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local sessions, indexes, replaced = ARGV[6], ARGV[7], ARGV[8]
if ARGV[9] == '1' and (call('GET', KEYS[3]) or '') ~= ARGV[10] then return { '', '', calls } end
if replaced ~= '' then
  calls = calls + 1
  local owner = userOf(sessions .. replaced)
  call('DEL', sessions .. replaced)
  if owner then call('ZREM', indexes .. owner, replaced) end
end
calls = calls + 1
local now = millis()
call('ZREMRANGEBYSCORE', index, '-inf', whole(now))
if call('ZCARD', index) >= most then
  local others, alive = call('ZRANGE', index, 0, -1), {}
  local values = call('MGET', unpack(keysOf(sessions, others)))
  for i, other in ipairs(others) do
    if values[i] then alive[#alive + 1] = other else call('ZREM', index, other) end
  end
  for i = 1, #alive - most + 1 do
    call('DEL', sessions .. alive[i])
    call('ZREM', index, alive[i])
  end
end
local ends = now + longest
call('ZADD', index, whole(ends + idle), hash)
call('PEXPIREAT', index, call('ZRANGE', index, -1, -1, 'WITHSCORES')[2])
call('SET', session, hash .. ' ' .. whole(now) .. ' ' .. whole(ends) .. ' ' .. user, 'PX', idle)
return { whole(now), whole(ends), calls }
`;

/**
 * KEYS: old session, new session, index. ARGV: old hash, new hash, new value, user, idle time.
 * Returns 1, or 0 if the old session is not one of the user.
 */
export const ROTATE = `${LOCKING_KEYS}${SHARED}
if userOf(KEYS[1]) ~= ARGV[4] then return 0 end
redis.call('DEL', KEYS[1])
local score = redis.call('ZSCORE', KEYS[3], ARGV[1])
if not score then return 0 end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[3], score, ARGV[2])
redis.call('PEXPIREAT', KEYS[3], redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')[2])
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[5])
return 1
`;

/** KEYS: index. ARGV: prefix of sessions. Returns {now, value, milliseconds left, value, ...}. */
export const LIST = `${SHARED}
local out = { whole(millis()) }
local hashes = redis.call('ZRANGE', KEYS[1], 0, -1)
if #hashes == 0 then return out end
local keys = keysOf(ARGV[1], hashes)
local values = redis.call('MGET', unpack(keys))
for i, hash in ipairs(hashes) do
  if values[i] then
    out[#out + 1] = values[i]
    out[#out + 1] = redis.call('PTTL', keys[i])
  else redis.call('ZREM', KEYS[1], hash) end
end
return out
`;

/** KEYS: session, index. ARGV: hash, user. Returns 1, or 0 if the session is not one of the user. */
export const REVOKE = `${LOCKING_KEYS}${SHARED}
if userOf(KEYS[1]) ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
`;

/**
 * KEYS: index, last revocation. ARGV: prefix of sessions, name of this revocation, milliseconds that it is kept.
 * Returns the number of sessions.
 */
export const REVOKE_ALL = `${SHARED}
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
local hashes = redis.call('ZRANGE', KEYS[1], 0, -1)
if #hashes == 0 then return 0 end
local ended = redis.call('DEL', unpack(keysOf(ARGV[1], hashes)))
redis.call('DEL', KEYS[1])
return ended
`;
