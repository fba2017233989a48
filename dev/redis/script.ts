import { createHash } from "node:crypto";

/** A Lua script with the SHA1 of its source. */
export interface Script {
  /** SHA1 of the source as it was sent. */
  readonly sha: string;
  /**
   * Lua source without the text of the shebang line. The line stays, empty, so that line numbers do
   * not change.
   */
  readonly body: string;
  /** Flags of the shebang line that plain Redis knows. */
  readonly flags: readonly string[];
  /** True if there was a shebang line. Redis is stricter with such scripts. */
  readonly shebang: boolean;
}

/** Flags that only Upstash has. Redis rejects a script with an unknown flag. */
const UPSTASH_FLAGS = new Set(["allow-key-locking"]);

/**
 * Parses a script's source. Its SHA1 covers the source as it was sent, including the flags, because
 * clients compute it so. The body is the part that every Redis can run.
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
 * Wraps a script so that it counts the commands that it calls. It answers `{count, reply}`, or
 * `{count, false, error}` if it failed, because Upstash also bills the commands of a failed script.
 * The error lacks the suffix that Redis appends (" script: <sha>, on @user_script:1."). The added
 * code is on the first line of the body, so that line numbers do not change.
 */
export function countingSource(script: Script): string {
  const body = script.shebang ? script.body.slice(1) : script.body;
  return `${shebangOf(script)}${PROLOGUE} ${body}\n${EPILOGUE}`;
}

/** Returns the source that Redis can run. */
export function redisSource(script: Script): string {
  return shebangOf(script) + (script.shebang ? script.body.slice(1) : script.body);
}

/**
 * Returns the first line: the shebang with the flags that Redis has, an empty line if none is left,
 * or nothing if there was no shebang.
 */
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
  // Redis's own pcall turns error tables into text, which hides the errors that need an "ERR "
  // prefix.
  "local __ok, __reply = xpcall(__script, function(problem) return problem end)",
  "if __ok then return { __calls, __reply } end",
  "if type(__reply) ~= 'table' then __reply = { err = 'ERR ' .. tostring(__reply) } end",
  "return { __calls, false, __reply.err }",
].join("\n");
