import { DefinitionError } from "./faults.ts";

/** Deeper values are most likely circular. */
const MAX_DEPTH = 64;

/**
 * Returns the one text that stands for a JSON value: members in the order of their names, no space.
 * Members that are undefined are left out, as in JSON.
 *
 * @param path the name of the value in an error
 * @param beyond returns the text of a value that JSON lacks, or undefined to refuse it
 * @throws {DefinitionError} if JSON cannot hold the value without a loss. It names the part.
 */
export function canonicalJson(
  value: unknown,
  path = "value",
  beyond: (value: unknown) => string | undefined = () => undefined,
): string {
  return textOf(value, path, 0);

  function textOf(part: unknown, at: string, depth: number): string {
    if (depth > MAX_DEPTH)
      throw new DefinitionError(at, `must be nested at most ${MAX_DEPTH} deep`);
    if (typeof part === "number" && !Number.isFinite(part))
      throw new DefinitionError(at, "must be a finite number");
    if (part === null || ["boolean", "string", "number"].includes(typeof part))
      return JSON.stringify(part);
    if (Array.isArray(part))
      return `[${Array.from(part, (one, i) => textOf(one, `${at}[${i}]`, depth + 1)).join(",")}]`;
    const more = beyond(part);
    if (more !== undefined) return more;
    if (typeof part !== "object" || !isPlain(part))
      throw new DefinitionError(at, `must be JSON, and is a ${nameOf(part)}`);
    const members = Object.entries(part)
      .filter(([, member]) => member !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => `${JSON.stringify(name)}:${textOf(one, `${at}.${name}`, depth + 1)}`);
    return `{${members.join(",")}}`;
  }
}

function nameOf(value: unknown): string {
  const named = typeof value === "object" && value !== null ? value.constructor.name : "";
  return named === "" ? typeof value : named;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
