/**
 * Makes fengari behave like Lua 5.1. fengari runs Lua 5.3 with 32-bit integers; in Lua 5.1, which
 * Redis runs, every number is a double. Without this file `tonumber(ARGV[1]) * 1000` of a time in
 * seconds overflows. Here numerals are read as doubles, library functions return doubles, and a
 * number becomes text as by C's `%.14g`, without the `.0` of Lua 5.3.
 *
 * The changes replace exports of fengari's modules, which call each other through their exports.
 * They must be made before fengari's libraries load, so import fengari only from this file.
 */
import { createRequire } from "node:module";
import type Fengari from "fengari";
import { formatG } from "./numbers.ts";

interface TValue {
  value: number;
  ttisinteger(): boolean;
  setfltvalue(value: number): void;
  setsvalue(value: object): void;
}

interface ObjectModule {
  luaO_str2num(text: Uint8Array, into: TValue): number;
  luaO_tostring(L: object, value: TValue): void;
}

const require = createRequire(import.meta.url);
// Load the API module first: the modules import each other in circles and load in no other order.
const api = require("fengari/src/lapi.js") as {
  lua_pushinteger(L: object, value: number): void;
  lua_pushnumber(L: object, value: number): void;
};
const objects = require("fengari/src/lobject.js") as ObjectModule;
const strings = require("fengari/src/lstring.js") as {
  luaS_bless(L: object, text: Uint8Array): object;
};

const readNumeral = objects.luaO_str2num;
objects.luaO_str2num = (text, into) => {
  const length = readNumeral(text, into);
  if (length !== 0 && into.ttisinteger()) into.setfltvalue(into.value);
  return length;
};
objects.luaO_tostring = (L, value) => {
  value.setsvalue(strings.luaS_bless(L, Buffer.from(formatG(value.value, 14))));
};
api.lua_pushinteger = (L, value) => api.lua_pushnumber(L, value);

const fengari = require("fengari") as typeof Fengari;
export const { lua, lauxlib, lualib } = fengari;

/** Returns the bytes of a name or a piece of code. */
export function luaString(text: string): Uint8Array {
  return fengari.to_luastring(text);
}
