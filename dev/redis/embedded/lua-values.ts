import type { LuaState } from "fengari";
import type { Answer, Bytes } from "./store.ts";
import { lua } from "./lua51.ts";

/** Deepest nesting of a returned table; Redis's own limit is of the same order. */
const MAX_DEPTH = 100;

/** Returns a value of the stack as bytes. Lua strings are bytes already. */
export function text(L: LuaState, index: number): Bytes {
  return Buffer.from(lua.lua_tostring(L, index) ?? []).toString("latin1");
}

export function pushText(L: LuaState, value: Bytes): void {
  const bytes = Buffer.from(value, "latin1");
  lua.lua_pushlstring(L, bytes, bytes.length);
}

/** Pushes a reply as Lua sees it: nil becomes false, status and errors become tables. */
export function push(L: LuaState, answer: Answer): void {
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

/**
 * Converts the result of a script to a reply. Numbers lose their fraction, and a table ends at its
 * first nil.
 */
export function toAnswer(L: LuaState, at: number, depth: number): Answer {
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

export function field(L: LuaState, index: number, name: string): Bytes | undefined {
  pushText(L, name);
  lua.lua_rawget(L, index);
  const value = lua.lua_type(L, -1) === lua.LUA_TSTRING ? text(L, -1) : undefined;
  lua.lua_pop(L, 1);
  return value;
}
