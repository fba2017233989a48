import type { LuaState } from "fengari";
import { formatNumber, parseFormat } from "./lua-format.ts";
import { pushText, text } from "./lua-values.ts";
import { lauxlib, lua } from "./lua51.ts";

/**
 * Implements `string.format` of Lua 5.1. The one of fengari rejects integers of more than 32 bits.
 */
export function format(L: LuaState): number {
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
    if (argument > lua.lua_gettop(L))
      return raiseText(L, `bad argument #${argument} to 'format' (no value)`);
    if (part.letter === "s" || part.letter === "q") {
      const given = lua.lua_type(L, argument);
      if (given !== lua.LUA_TSTRING && given !== lua.LUA_TNUMBER)
        return badArgument(L, argument, "string", given);
      const value = text(L, argument);
      result +=
        part.letter === "q"
          ? quote(value)
          : pad(value.slice(0, part.precision), part.width, part.flags);
      continue;
    }
    const type = lua.lua_type(L, argument);
    const value =
      type === lua.LUA_TSTRING ? Number(text(L, argument)) : lua.lua_tonumber(L, argument);
    if (
      (type !== lua.LUA_TNUMBER && type !== lua.LUA_TSTRING) ||
      (type === lua.LUA_TSTRING && Number.isNaN(value))
    ) {
      return badArgument(L, argument, "number", type);
    }
    result +=
      part.letter === "c"
        ? pad(String.fromCharCode(value & 255), part.width, part.flags)
        : formatNumber(part, value);
  }
  pushText(L, result);
  return 1;
}

function badArgument(L: LuaState, argument: number, expected: string, type: number): never {
  const got = Buffer.from(lua.lua_typename(L, type)).toString();
  return raiseText(L, `bad argument #${argument} to 'format' (${expected} expected, got ${got})`);
}

/** Raises an error whose message begins with the position of the call in the script. */
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
  const escaped = value
    .replace(/["\\\n]/g, String.raw`\$&`)
    .replaceAll("\r", String.raw`\r`)
    .replaceAll("\0", String.raw`\000`);
  return `"${escaped}"`;
}
