import { DefinitionError, messageOf } from "./faults.ts";

/**
 * Returns the JSON of a value that a program wants to store under `key`.
 *
 * @throws {DefinitionError} if JSON cannot hold the value, or would lose a part of it without an
 *   error: a BigInt, a cycle, a function, a Map, a promise that was not awaited. It names the key
 *   and the part.
 */
export function jsonTextOf(value: unknown, key: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value) as string | undefined;
  } catch (error) {
    throw mistake(key, unstorablePart(value) ?? messageOf(error));
  }
  if (text === undefined) throw mistake(key, `it is a ${typeof value}`);
  // Only these texts can come from an object whose content JSON does not see.
  const part = LOSSY_TEXT.test(text) ? unstorablePart(value) : undefined;
  if (part !== undefined) throw mistake(key, part);
  return text;
}

/** Whether JSON refused a value. The engine has no other sign of it than the text of the error. */
export function isJsonRefusal(error: unknown): error is TypeError {
  return error instanceof TypeError && /BigInt|circular structure/.test(error.message);
}

const LOSSY_TEXT = /\{\}|\{"0":/;

function mistake(key: string, problem: string): DefinitionError {
  return new DefinitionError("value", `the value of ${key} is no JSON: ${problem}`);
}

/** Objects that JSON writes as `{}`, or as an object of numbered bytes. */
const LOSSY = [
  Map,
  Set,
  WeakMap,
  WeakSet,
  Promise,
  RegExp,
  Error,
  ArrayBuffer,
  Response,
  Request,
] as const;

/** Describes the first part that JSON cannot hold; undefined if there is none. */
function unstorablePart(
  value: unknown,
  path = "it",
  ancestors: ReadonlySet<unknown> = new Set(),
): string | undefined {
  if (typeof value === "bigint") return `${path} is a BigInt`;
  if (typeof value !== "object" || value === null) return undefined;
  if (ancestors.has(value)) return `${path} refers back to an object that contains it`;
  if ("toJSON" in value) return undefined;
  if (LOSSY.some((type) => value instanceof type) || ArrayBuffer.isView(value))
    return `${path} is a ${value.constructor.name}`;
  const inside = new Set([...ancestors, value]);
  for (const [name, part] of Object.entries(value)) {
    const found = unstorablePart(part, `${path}.${name}`, inside);
    if (found !== undefined) return found;
  }
  return undefined;
}
