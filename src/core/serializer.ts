import { jsonTextOf } from "./json-text.ts";

/**
 * Turns values into stored texts and back. `strata/serializer` has `richSerializer`, and
 * `defineSerializer` for others. A stored text says which serializer wrote it: `owns` is true for the
 * texts of this one only.
 */
export interface Serializer {
  /** Returns the text of a value. @throws {DefinitionError} that names the key, if it cannot hold the value */
  write(value: unknown, key: string): string;
  /** Returns the value of a text for which `owns` is true. */
  read(text: string): unknown;
  /** Whether this serializer wrote the text. */
  owns(text: string): boolean;
}

/** The first character of every text that is not JSON. No JSON begins with it. */
export const MARK = "!";

/** The default. Its texts have no mark. */
export const JSON_SERIALIZER: Serializer = {
  write: jsonTextOf,
  read: JSON.parse,
  owns: (text) => !text.startsWith(MARK),
};
