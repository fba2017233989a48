import { createHash } from "node:crypto";
import type { LuaState } from "fengari";
import type { Script } from "../script.ts";
import type { Answer, Bytes } from "./store.ts";
import { lauxlib, lua, lualib, luaString } from "./lua51.ts";
import { formatNumber, parseFormat } from "./lua-format.ts";
import { PRELUDE, SEAL } from "./lua-prelude.ts";

/** Runs one command for a script. Error replies are answers, not exceptions. */
export type ScriptCommand = (name: Bytes, args: readonly Bytes[]) => Answer;

export interface ScriptRun {
  readonly script: Script;
  readonly keys: readonly Bytes[];
  readonly args: readonly Bytes[];
  /** Called for every `redis.call` and `redis.pcall`, malformed ones too. */
  readonly onCall: () => void;
  readonly command: ScriptCommand;
}

export interface LuaHost {
  /** The text of what is wrong with a script, or `undefined` if it compiles. */
  check(script: Script): string | undefined;
  run(run: ScriptRun): Answer;
}

/** Deepest nesting of a returned table; Redis's own limit is of the same order. */
const MAX_DEPTH = 100;

/**
 * One Lua state in the manner of Redis: Lua 5.1, no way to set globals, `redis.call` and its kin,
 * scripts compiled once. cjson, cmsgpack, struct and bit are not there.
 */
export function createLuaHost(): LuaHost {
  const L = lauxlib.luaL_newstate();
  lualib.luaL_openlibs(L);
  const compiled = new Map<string, number>();
  let current: Pick<ScriptRun, "command" | "onCall"> = { command: () => null, onCall: () => undefined };

  define(L, "__command", (state) => {
    const raise = lua.lua_toboolean(state, 1);
    current.onCall();
    const words: Bytes[] = [];
    for (let index = 2; index <= lua.lua_gettop(state); index += 1) {
      const type = lua.lua_type(state, index);
      if (type !== lua.LUA_TSTRING && type !== lua.LUA_TNUMBER) {
        return fail(state, "ERR Lua redis lib command arguments must be strings or integers");
      }
      words.push(type === lua.LUA_TNUMBER ? numberArgument(lua.lua_tonumber(state, index)) : text(state, index));
    }
    const [name, ...args] = words;
    if (name === undefined) return fail(state, "ERR Please specify at least one argument for this redis lib call");
    const answer = current.command(name, args);
    push(state, answer);
    const isError = typeof answer === "object" && answer !== null && "error" in answer;
    return raise && isError ? lua.lua_error(state) : 1;
  });
  define(L, "__sha1hex", (state) => {
    pushText(state, createHash("sha1").update(Buffer.from(text(state, 1), "latin1")).digest("hex"));
    return 1;
  });
  define(L, "__format", format);
  execute(L, PRELUDE);
  execute(L, SEAL);

  const compile = (script: Script): number | string => {
    const known = compiled.get(script.sha);
    if (known !== undefined) return known;
    const code = Buffer.from(script.body);
    if (lauxlib.luaL_loadbuffer(L, code, code.length, luaString("@user_script")) !== lua.LUA_OK) {
      // Lua 5.1 quotes the end of the text as it does every other token.
      const message = text(L, -1).replace(/near <eof>$/, "near '<eof>'");
      lua.lua_pop(L, 1);
      return message;
    }
    const reference = lauxlib.luaL_ref(L, lua.LUA_REGISTRYINDEX);
    compiled.set(script.sha, reference);
    return reference;
  };

  return {
    check(script) {
      const result = compile(script);
      return typeof result === "string" ? result : undefined;
    },
    run({ script, keys, args, ...callbacks }) {
      const reference = compile(script);
      if (typeof reference === "string") return { error: compileError(reference) };
      current = callbacks;
      setGlobalList(L, "KEYS", keys);
      setGlobalList(L, "ARGV", args);
      lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, reference);
      const status = lua.lua_pcall(L, 0, 1, 0);
      const answer = status === lua.LUA_OK ? toAnswer(L, -1, 0) : failure(L);
      lua.lua_settop(L, 0);
      return answer;
    },
  };
}

/** Redis's message for a script that does not compile. */
export function compileError(message: string): string {
  return `ERR Error compiling script (new function): ${message}`;
}

function define(L: LuaState, name: string, fn: (L: LuaState) => number): void {
  lua.lua_pushcfunction(L, fn);
  lua.lua_setglobal(L, luaString(name));
}

function execute(L: LuaState, code: string): void {
  const bytes = Buffer.from(code);
  const failed =
    lauxlib.luaL_loadbuffer(L, bytes, bytes.length, luaString("@prelude")) !== lua.LUA_OK ||
    lua.lua_pcall(L, 0, 0, 0) !== lua.LUA_OK;
  if (failed) throw new Error(`the Lua prelude failed: ${text(L, -1)}`);
}

/** A value of the stack as bytes; Lua strings are bytes already. */
function text(L: LuaState, index: number): Bytes {
  return Buffer.from(lua.lua_tostring(L, index) ?? []).toString("latin1");
}

function pushText(L: LuaState, value: Bytes): void {
  const bytes = Buffer.from(value, "latin1");
  lua.lua_pushlstring(L, bytes, bytes.length);
}

/** Redis hands numbers over with 17 significant digits. */
function numberArgument(value: number): Bytes {
  return formatNumber({ flags: "", width: 0, precision: 17, letter: "g" }, value);
}

function fail(L: LuaState, message: string): never {
  push(L, { error: message });
  return lua.lua_error(L);
}

function setGlobalList(L: LuaState, name: string, values: readonly Bytes[]): void {
  lua.lua_pushglobaltable(L);
  pushText(L, name);
  push(L, values);
  lua.lua_rawset(L, -3);
  lua.lua_pop(L, 1);
}

/** A reply as Lua sees it: nil becomes false, status and errors become tables. */
function push(L: LuaState, answer: Answer): void {
  if (answer === null) lua.lua_pushboolean(L, false);
  else if (typeof answer === "number") lua.lua_pushnumber(L, answer);
  else if (typeof answer === "string") pushText(L, answer);
  else if ("status" in answer) pushField(L, "ok", answer.status);
  else if ("error" in answer) pushField(L, "err", answer.error);
  else {
    lua.lua_createtable(L, answer.length, 0);
    for (const [index, item] of answer.entries()) {
      push(L, item);
      lua.lua_rawseti(L, -2, index + 1);
    }
  }
}

function pushField(L: LuaState, name: string, value: Bytes): void {
  lua.lua_createtable(L, 0, 1);
  pushText(L, name);
  pushText(L, value);
  lua.lua_rawset(L, -3);
}

/** What a script returns as a reply: numbers lose their fraction, a table ends at its first nil. */
function toAnswer(L: LuaState, at: number, depth: number): Answer {
  const index = at < 0 ? lua.lua_gettop(L) + at + 1 : at;
  switch (lua.lua_type(L, index)) {
    case lua.LUA_TSTRING:
      return text(L, index);
    case lua.LUA_TNUMBER:
      return Math.trunc(lua.lua_tonumber(L, index));
    case lua.LUA_TBOOLEAN:
      return lua.lua_toboolean(L, index) ? 1 : null;
    case lua.LUA_TTABLE:
      return tableAnswer(L, index, depth);
    default:
      return null;
  }
}

function tableAnswer(L: LuaState, index: number, depth: number): Answer {
  if (depth > MAX_DEPTH) return { error: "ERR reached lua stack limit" };
  const error = field(L, index, "err");
  if (error !== undefined) return { error };
  const status = field(L, index, "ok");
  if (status !== undefined) return { status };
  const items: Answer[] = [];
  for (let position = 1; ; position += 1) {
    lua.lua_rawgeti(L, index, position);
    if (lua.lua_type(L, -1) === lua.LUA_TNIL) break;
    items.push(toAnswer(L, -1, depth + 1));
    lua.lua_pop(L, 1);
  }
  lua.lua_pop(L, 1);
  return items;
}

function field(L: LuaState, index: number, name: string): Bytes | undefined {
  pushText(L, name);
  lua.lua_rawget(L, index);
  const value = lua.lua_type(L, -1) === lua.LUA_TSTRING ? text(L, -1) : undefined;
  lua.lua_pop(L, 1);
  return value;
}

/** The error on top of the stack: Redis's own are tables, Lua's are texts. */
function failure(L: LuaState): Answer {
  if (lua.lua_type(L, -1) === lua.LUA_TTABLE) {
    const error = field(L, lua.lua_gettop(L), "err");
    if (error !== undefined) return { error };
  }
  return { error: `ERR ${text(L, -1)}` };
}

/** `string.format` of Lua 5.1: fengari's refuses integers of more than 32 bits. */
function format(L: LuaState): number {
  const parts = parseFormat(text(L, 1));
  if (!parts) return raiseText(L, "invalid option to 'format'");
  let argument = 1;
  let result = "";
  for (const part of parts) {
    if (typeof part === "string") {
      result += part;
      continue;
    }
    argument += 1;
    if (argument > lua.lua_gettop(L)) return raiseText(L, `bad argument #${argument} to 'format' (no value)`);
    if (part.letter === "s" || part.letter === "q") {
      const given = lua.lua_type(L, argument);
      if (given !== lua.LUA_TSTRING && given !== lua.LUA_TNUMBER) return badArgument(L, argument, "string", given);
      const value = text(L, argument);
      result += part.letter === "q" ? quote(value) : pad(value.slice(0, part.precision), part.width, part.flags);
      continue;
    }
    const type = lua.lua_type(L, argument);
    const value = type === lua.LUA_TSTRING ? Number(text(L, argument)) : lua.lua_tonumber(L, argument);
    if ((type !== lua.LUA_TNUMBER && type !== lua.LUA_TSTRING) || (type === lua.LUA_TSTRING && Number.isNaN(value))) {
      return badArgument(L, argument, "number", type);
    }
    result += part.letter === "c" ? pad(String.fromCharCode(value & 255), part.width, part.flags) : formatNumber(part, value);
  }
  pushText(L, result);
  return 1;
}

function badArgument(L: LuaState, argument: number, expected: string, type: number): never {
  const got = Buffer.from(lua.lua_typename(L, type)).toString();
  return raiseText(L, `bad argument #${argument} to 'format' (${expected} expected, got ${got})`);
}

/** Raises an error that begins with the place of the script's call. */
function raiseText(L: LuaState, message: string): never {
  lauxlib.luaL_where(L, 1);
  const place = text(L, -1);
  lua.lua_pop(L, 1);
  pushText(L, place + message);
  return lua.lua_error(L);
}

function pad(value: string, width: number, flags: string): string {
  return flags.includes("-") ? value.padEnd(width) : value.padStart(width);
}

function quote(value: string): string {
  const escaped = value.replace(/["\\\n]/g, String.raw`\$&`).replaceAll("\r", String.raw`\r`).replaceAll("\0", String.raw`\000`);
  return `"${escaped}"`;
}
