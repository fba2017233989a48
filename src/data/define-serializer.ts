import { DefinitionError } from "../core/faults.ts";
import { MARK, type Serializer } from "../core/serializer.ts";

/** A format of stored texts. */
export interface TextFormat {
  /**
   * The name that every stored text carries: 1 to 32 lower-case letters, digits and hyphens. Change it
   * with the format, because a text under another name is a miss.
   */
  readonly name: string;
  /** Returns the text of a value. It throws if it cannot hold the value. `key` is for the error. */
  serialize(value: unknown, key: string): string;
  /** Returns the value of a text that `serialize` returned. */
  deserialize(text: string): unknown;
}

/**
 * Makes a serializer. Its stored texts are `!<name>\n<text>`, so that no other serializer reads them.
 *
 * @throws {DefinitionError} if the name is wrong
 * @example
 * const json2 = defineSerializer({
 *   name: "json2",
 *   serialize: (value) => JSON.stringify(value),
 *   deserialize: (text) => JSON.parse(text),
 * });
 */
export function defineSerializer({ name, serialize, deserialize }: TextFormat): Serializer {
  if (!/^[a-z0-9-]{1,32}$/.test(name))
    throw new DefinitionError(
      "serializer",
      "its name must be 1 to 32 lower-case letters, digits and hyphens",
    );
  const mark = `${MARK}${name}\n`;
  return {
    write: (value, key) => mark + serialize(value, key),
    read: (text) => deserialize(text.slice(mark.length)),
    owns: (text) => text.startsWith(mark),
  };
}
