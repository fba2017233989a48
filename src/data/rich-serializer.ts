/** A serializer for values that JSON loses: dates, maps, sets, bytes, BigInts and undefined. */
import { fromBase64, toBase64 } from "../core/base64.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Serializer } from "../core/serializer.ts";
import { defineSerializer } from "./define-serializer.ts";

/** The field that marks a part which JSON does not have. An object of the application with this field is marked too. */
const TYPE = "$";

/** A part that JSON does not have, as an object that JSON has. */
interface Marked {
  readonly [TYPE]: "undefined" | "number" | "bigint" | "date" | "bytes" | "map" | "set" | "object";
  readonly v?: unknown;
}

/**
 * Stores plain objects, arrays, Date, Map, Set, Uint8Array, BigInt, undefined, NaN, the infinities and
 * -0, so that a stored value equals the loaded one. A hole of an array becomes undefined.
 *
 * @throws {DefinitionError} for every other object: a function, a class instance, a cycle. It names the
 *   key and the part.
 * @example
 * const strata = createStrata({ namespace: "shop", serializer: richSerializer });
 */
export const richSerializer: Serializer = defineSerializer({
  name: "rich1",
  serialize: (value, key) => JSON.stringify(marked(value, key, "it", new Set())),
  deserialize: (text) => unmarked(JSON.parse(text)),
});

function marked(value: unknown, key: string, path: string, ancestors: Set<object>): unknown {
  if (typeof value === "number")
    return Number.isFinite(value) && !Object.is(value, -0) ? value : mark("number", nameOf(value));
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (value === undefined) return mark("undefined");
  if (typeof value === "bigint") return mark("bigint", String(value));
  if (typeof value !== "object") throw mistake(key, `${path} is a ${typeof value}`);
  if (ancestors.has(value)) throw mistake(key, `${path} refers back to an object that contains it`);
  ancestors.add(value);
  const made = markedObject(value, (part, name) => marked(part, key, `${path}.${name}`, ancestors));
  ancestors.delete(value);
  if (made === undefined) throw mistake(key, `${path} is a ${value.constructor.name}`);
  return made;
}

/** Returns undefined for an object of a class that the serializer does not know. */
function markedObject(
  value: object,
  inner: (part: unknown, name: string | number) => unknown,
): unknown {
  if (Array.isArray(value)) return Array.from(value, inner);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Date.prototype) return mark("date", (value as Date).getTime());
  if (prototype === Uint8Array.prototype) return mark("bytes", toBase64(value as Uint8Array));
  if (prototype === Map.prototype)
    return mark(
      "map",
      Array.from(value as Map<unknown, unknown>, (pair, i) => pair.map((part) => inner(part, i))),
    );
  if (prototype === Set.prototype) return mark("set", Array.from(value as Set<unknown>, inner));
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  const fields = Object.entries(value).map(([name, part]) => [name, inner(part, name)] as const);
  // An object with a field named "__proto__" or "$" is stored as a list of fields.
  const plain = !fields.some(([name]) => name === TYPE || name === "__proto__");
  return plain ? Object.fromEntries(fields) : mark("object", fields);
}

function unmarked(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(unmarked);
  if (!(TYPE in value))
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, unmarked(part)]));
  const { [TYPE]: type, v } = value as Marked;
  switch (type) {
    case "undefined":
      return undefined;
    case "number":
      return Number(v);
    case "bigint":
      return BigInt(v as string);
    case "date":
      return new Date((v as number | null) ?? Number.NaN);
    case "bytes":
      return fromBase64(v as string);
    case "map":
      return new Map(
        (v as [unknown, unknown][]).map(([name, part]) => [unmarked(name), unmarked(part)]),
      );
    case "set":
      return new Set((v as unknown[]).map(unmarked));
    case "object":
      return Object.fromEntries(
        (v as [string, unknown][]).map(([name, part]) => [name, unmarked(part)]),
      );
    default:
      throw new TypeError(`no part of a stored value has the type ${String(type)}`);
  }
}

const mark = (type: Marked[typeof TYPE], v?: unknown): Marked => ({ [TYPE]: type, v });

const nameOf = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

function mistake(key: string, problem: string): DefinitionError {
  return new DefinitionError("value", `the value of ${key} cannot be stored: ${problem}`);
}
