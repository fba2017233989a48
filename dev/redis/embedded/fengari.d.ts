/** The part of fengari that the embedded Redis uses. Strings are bytes; indices are Lua's. */
declare module "fengari" {
  export interface LuaState {
    readonly brand: "lua_State";
  }
  export type LuaFunction = (L: LuaState) => number;

  interface Lua {
    readonly LUA_TNIL: number;
    readonly LUA_TBOOLEAN: number;
    readonly LUA_TNUMBER: number;
    readonly LUA_TSTRING: number;
    readonly LUA_TTABLE: number;
    readonly LUA_OK: number;
    readonly LUA_MULTRET: number;
    readonly LUA_REGISTRYINDEX: number;
    lua_close(L: LuaState): void;
    lua_createtable(L: LuaState, arrayHint: number, hashHint: number): void;
    lua_error(L: LuaState): never;
    lua_getglobal(L: LuaState, name: Uint8Array): number;
    lua_gettop(L: LuaState): number;
    lua_isinteger(L: LuaState, index: number): boolean;
    lua_pcall(L: LuaState, args: number, results: number, handler: number): number;
    lua_pop(L: LuaState, count: number): void;
    lua_pushboolean(L: LuaState, value: boolean): void;
    lua_pushcfunction(L: LuaState, fn: LuaFunction): void;
    lua_pushnil(L: LuaState): void;
    lua_pushnumber(L: LuaState, value: number): void;
    lua_pushlstring(L: LuaState, value: Uint8Array, length: number): void;
    lua_rawgeti(L: LuaState, index: number, key: number): number;
    lua_rawseti(L: LuaState, index: number, key: number): void;
    lua_rawget(L: LuaState, index: number): number;
    lua_rawset(L: LuaState, index: number): void;
    lua_rawlen(L: LuaState, index: number): number;
    lua_pushglobaltable(L: LuaState): void;
    lua_setglobal(L: LuaState, name: Uint8Array): void;
    lua_settop(L: LuaState, index: number): void;
    lua_toboolean(L: LuaState, index: number): boolean;
    lua_tonumber(L: LuaState, index: number): number;
    lua_tostring(L: LuaState, index: number): Uint8Array | null;
    lua_type(L: LuaState, index: number): number;
    lua_typename(L: LuaState, type: number): Uint8Array;
  }

  interface LauxLib {
    luaL_loadbuffer(L: LuaState, code: Uint8Array, size: number, name: Uint8Array): number;
    luaL_newstate(): LuaState;
    luaL_ref(L: LuaState, index: number): number;
    luaL_where(L: LuaState, level: number): void;
  }

  interface LuaLib {
    luaL_openlibs(L: LuaState): void;
  }

  const fengari: {
    readonly lua: Lua;
    readonly lauxlib: LauxLib;
    readonly lualib: LuaLib;
    to_luastring(text: string): Uint8Array;
  };
  export default fengari;
}
