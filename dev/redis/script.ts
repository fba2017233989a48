import { createHash } from "node:crypto";

/** A Lua script under the SHA1 that its author knows it by. */
export interface Script {
  /** SHA1 of the body as it was sent. */
  readonly sha: string;
  /** Lua without the shebang line, its line kept empty so that line numbers hold. */
  readonly body: string;
  /** Flags of the shebang line that plain Redis knows. */
  readonly flags: readonly string[];
  /** There was a shebang line: Redis is stricter with those scripts. */
  readonly shebang: boolean;
}

/** Flags that only Upstash knows; plain Redis refuses a script that carries them. */
const UPSTASH_FLAGS = new Set(["allow-key-locking"]);

/**
 * Reads a script's source. Its identity is the SHA1 of what was sent, flags and all, since that
 * is what clients compute; what runs is the part that every Redis understands.
 * @see https://upstash.com/docs/redis/features/scripting
 */
export function parseScript(source: string): Script {
  const sha = createHash("sha1").update(source).digest("hex");
  const shebang = /^#!lua([^\n]*)(?:\n|$)/.exec(source);
  if (!shebang) return { sha, body: source, flags: [], shebang: false };
  const flags = (/(?:^|\s)flags=(\S*)/.exec(shebang[1] ?? "")?.[1] ?? "")
    .split(",")
    .filter((flag) => flag !== "" && !UPSTASH_FLAGS.has(flag));
  return { sha, body: `\n${source.slice(shebang[0].length)}`, flags, shebang: true };
}

/**
 * Wraps a script so that it counts the commands it calls. It answers `{count, reply}`, or
 * `{count, false, error}` when it failed: a script that fails has been billed for what it called.
 * The error lacks what Redis appends to it (" script: <sha>, on @user_script:1.").
 * Everything before the body stands on the body's first line, so that line numbers hold.
 */
export function countingSource(script: Script): string {
  const body = script.shebang ? script.body.slice(1) : script.body;
  return `${shebangOf(script)}${PROLOGUE} ${body}\n${EPILOGUE}`;
}

/** The script as plain Redis takes it. */
export function redisSource(script: Script): string {
  return shebangOf(script) + (script.shebang ? script.body.slice(1) : script.body);
}

/** The first line again, if there was one: with the flags that Redis knows, empty without any. */
function shebangOf({ shebang, flags }: Script): string {
  if (!shebang) return "";
  return flags.length > 0 ? `#!lua flags=${flags.join(",")}\n` : "\n";
}

const PROLOGUE = [
  "local __real, __calls = redis, 0",
  "local redis = setmetatable({",
  "call = function(...) __calls = __calls + 1 return __real.call(...) end,",
  "pcall = function(...) __calls = __calls + 1 return __real.pcall(...) end",
  "}, { __index = __real })",
  "local function __script()",
].join(" ");

const EPILOGUE = [
  "end",
  // Not pcall: Redis's own turns its error tables into texts, which hides what needs an "ERR ".
  "local __ok, __reply = xpcall(__script, function(problem) return problem end)",
  "if __ok then return { __calls, __reply } end",
  "if type(__reply) ~= 'table' then __reply = { err = 'ERR ' .. tostring(__reply) } end",
  "return { __calls, false, __reply.err }",
].join("\n");
