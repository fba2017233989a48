/**
 * Defines the functions that Redis's Lua has and Lua 5.3 lacks, and the `redis` table over the
 * host's functions.
 */
export const PRELUDE = `
unpack = table.unpack
loadstring = load
math.pow = function(x, y) return x ^ y end
math.log10 = function(x) return math.log(x, 10) end
math.mod = math.fmod
table.getn = function(t) return #t end
table.maxn = function(t)
  local max = 0
  for key in pairs(t) do if type(key) == "number" and key > max then max = key end end
  return max
end
string.format = __format
local original = tostring
tostring = function(value)
  if type(value) == "number" then return string.format("%.14g", value) end
  return original(value)
end
local protected = pcall
local function unwrapped(ok, first, ...)
  -- Redis 7 hands the text of its error tables to scripts, as versions before it did.
  if not ok and type(first) == "table" and first.err then return ok, first.err end
  return ok, first, ...
end
pcall = function(...) return unwrapped(protected(...)) end
local command, sha1hex = __command, __sha1hex
redis = {
  call = function(...) return command(true, ...) end,
  pcall = function(...) return command(false, ...) end,
  sha1hex = function(text) return sha1hex(text) end,
  error_reply = function(text)
    if string.sub(text, 1, 1) == "-" then text = string.sub(text, 2) end
    return { err = text }
  end,
  status_reply = function(text) return { ok = text } end,
  log = function() end,
  setresp = function() end,
  set_repl = function() end,
  replicate_commands = function() return true end,
  LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
  REPL_NONE = 0, REPL_SLAVE = 1, REPL_REPLICA = 1, REPL_AOF = 2, REPL_ALL = 3,
  REDIS_VERSION = "7.0.0", REDIS_VERSION_NUM = 0x00070000,
}
__command, __sha1hex, __format = nil, nil, nil
os = { clock = os.clock }
io, require, dofile, loadfile, print, package, debug, utf8, fengari = nil
`;

/**
 * Protects the global table as Redis does, with the same messages. The host sets KEYS and ARGV
 * without this protection.
 */
export const SEAL = `
setmetatable(_G, {
  __index = function(_, name)
    error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
  end,
  __newindex = function() error("Attempt to modify a readonly table", 2) end,
})
`;
