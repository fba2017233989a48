import { createHash } from "node:crypto";
import type { LuaState } from "fengari";
import type { Script } from "../script.ts";
import type { Answer, Bytes } from "./store.ts";
import { lauxlib, lua, lualib, luaString } from "./lua51.ts";
import { formatNumber } from "./lua-format.ts";
import { format } from "./lua-string-format.ts";
import { field, push, pushText, text, toAnswer } from "./lua-values.ts";
import { PRELUDE, SEAL } from "./lua-prelude.ts";

/** Runs one command for a script. An error reply is an answer, not an exception. */
export type ScriptCommand = (name: Bytes, args: readonly Bytes[]) => Answer;

export interface ScriptRun {
  readonly script: Script;
  readonly keys: readonly Bytes[];
  readonly args: readonly Bytes[];
  /** Called for every `redis.call` and `redis.pcall`, including malformed ones. */
  readonly onCall: () => void;
  readonly command: ScriptCommand;
}

export interface LuaHost {
  /** Returns the compile error of a script, or `undefined` if it compiles. */
  check(script: Script): string | undefined;
  run(run: ScriptRun): Answer;
}

/**
 * Creates a Lua state that behaves like Redis's: Lua 5.1, read-only globals, the `redis` table,
 * each script compiled once. cjson, cmsgpack, struct and bit are missing.
 */
export function createLuaHost(): LuaHost {
  const L = lauxlib.luaL_newstate();
  lualib.luaL_openlibs(L);
  const compiled = new Map<string, number>();
  let current: Pick<ScriptRun, "command" | "onCall"> = {
    command: () => null,
    onCall: () => undefined,
  };

  define(L, "__command", (state) => {
    const raise = lua.lua_toboolean(state, 1);
    current.onCall();
    const words: Bytes[] = [];
    for (let index = 2; index <= lua.lua_gettop(state); index += 1) {
      const type = lua.lua_type(state, index);
      if (type !== lua.LUA_TSTRING && type !== lua.LUA_TNUMBER) {
        return fail(state, "ERR Lua redis lib command arguments must be strings or integers");
      }
      words.push(
        type === lua.LUA_TNUMBER
          ? numberArgument(lua.lua_tonumber(state, index))
          : text(state, index),
      );
    }
    const [name, ...args] = words;
    if (name === undefined)
      return fail(state, "ERR Please specify at least one argument for this redis lib call");
    const answer = current.command(name, args);
    push(state, answer);
    const isError = typeof answer === "object" && answer !== null && "error" in answer;
    return raise && isError ? lua.lua_error(state) : 1;
  });
  define(L, "__sha1hex", (state) => {
    pushText(
      state,
      createHash("sha1")
        .update(Buffer.from(text(state, 1), "latin1"))
        .digest("hex"),
    );
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
      // Lua 5.1 quotes the end of the text like any other token.
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

/** Returns Redis's message for a script that does not compile. */
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

/** Formats a number argument as Redis does, with 17 significant digits. */
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

/** Converts the error on top of the stack. Errors of Redis are tables, errors of Lua are text. */
function failure(L: LuaState): Answer {
  if (lua.lua_type(L, -1) === lua.LUA_TTABLE) {
    const error = field(L, lua.lua_gettop(L), "err");
    if (error !== undefined) return { error };
  }
  return { error: `ERR ${text(L, -1)}` };
}
