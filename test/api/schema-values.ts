/** Values that match a JSON Schema, and values that do not. */
import { Validator } from "@cfworker/json-schema";
import fc from "fast-check";

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface SchemaValues {
  matches(schema: JsonSchema, value: unknown): boolean;
  valid(schema: JsonSchema): fc.Arbitrary<unknown>;
  invalid(schema: JsonSchema): fc.Arbitrary<unknown>;
}

/** The keywords that `generate` follows, or that the filter by the validator follows for it. */
const KNOWN = new Set(
  "$ref type enum const minimum maximum minLength maxLength pattern items minItems maxItems properties required additionalProperties minProperties anyOf oneOf description examples format".split(
    " ",
  ),
);
const MAX_ITEMS = 5;
/** Characters that stores and protocols often refuse. A pattern that allows one means it. */
const ODD_CHARACTERS = ["\u0000", "\u0007", "\n", "\u007f", "\u00a0", "\ufeff", "\ud800", "\udfff"];
const MAX_CHARS = 40;

/** `components` are those of the OpenAPI document, for references. */
export function createSchemaValues(components: object): SchemaValues {
  const validators = new WeakMap<JsonSchema, Validator>();

  function matches(schema: JsonSchema, value: unknown): boolean {
    const known = validators.get(schema);
    const validator = known ?? new Validator({ ...schema, components }, "2020-12");
    validators.set(schema, validator);
    return validator.validate(value).valid;
  }

  function resolve(reference: string): JsonSchema {
    const path = reference.split("/").slice(2);
    return path.reduce<unknown>(
      (at, name) => (at as Record<string, unknown>)[name],
      components,
    ) as JsonSchema;
  }

  function generate(schema: JsonSchema): fc.Arbitrary<unknown> {
    const unknown = Object.keys(schema).filter((keyword) => !KNOWN.has(keyword));
    if (unknown.length > 0) throw new Error(`no values for the keywords ${unknown.join()}`);
    if (typeof schema["$ref"] === "string") return generate(resolve(schema["$ref"]));
    if ("const" in schema) return fc.constant(schema["const"]);
    if (Array.isArray(schema["enum"])) return fc.constantFrom(...(schema["enum"] as unknown[]));
    const { minimum: min, maximum: max } = schema as { minimum?: number; maximum?: number };
    switch (schema["type"]) {
      case "boolean":
        return fc.boolean();
      case "integer":
        return fc.integer({ min: min ?? -(2 ** 31), max: Math.min(max ?? 2 ** 31, 2 ** 53 - 1) });
      case "number":
        return fc.double({ min: min ?? -1e9, max: max ?? 1e9, noNaN: true });
      case "string":
        return generateText(schema);
      case "array": {
        const { items = {}, minItems: minLength = 0, maxItems = MAX_ITEMS } = schema;
        const maxLength = Math.min(MAX_ITEMS, Number(maxItems));
        return fc.array(valid(items as JsonSchema), { minLength: Number(minLength), maxLength });
      }
      case "object": {
        const { properties = {}, required = [] } = schema;
        const members = Object.entries(properties as Record<string, JsonSchema>).map(
          ([name, member]) => [name, valid(member)] as const,
        );
        return fc.record(Object.fromEntries(members), { requiredKeys: required as never[] });
      }
      default:
        throw new Error(`no values for ${JSON.stringify(schema)}`);
    }
  }

  function generateText({ minLength = 0, maxLength = MAX_CHARS, pattern }: JsonSchema) {
    const limits = {
      minLength: Number(minLength),
      maxLength: Math.min(MAX_CHARS, Number(maxLength)),
    };
    const texts = fc.string({ ...limits, unit: "grapheme" });
    if (typeof pattern !== "string") return texts;
    return fc.oneof(
      fc.stringMatching(new RegExp(pattern, "u")),
      texts,
      fc.constantFrom(...ODD_CHARACTERS, ...ODD_CHARACTERS.map((odd) => `a${odd}b`)),
    );
  }

  function valid(schema: JsonSchema): fc.Arbitrary<unknown> {
    return generate(schema).filter((value) => matches(schema, value));
  }

  /** Changes one member of an object, so that most of it stays valid. */
  const spoil = (value: unknown): fc.Arbitrary<unknown> => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return fc.jsonValue();
    const names = Object.keys(value);
    const added = fc.constant({ ...value, unknown: 1 });
    if (names.length === 0) return added;
    const name = fc.constantFrom(...names);
    return fc.oneof(
      added,
      name.map((left) => Object.fromEntries(Object.entries(value).filter(([one]) => one !== left))),
      fc.tuple(name, fc.jsonValue()).map(([one, other]) => ({ ...value, [one]: other })),
    );
  };

  return {
    matches,
    valid,
    invalid: (schema) =>
      fc
        .oneof(fc.jsonValue(), valid(schema).chain(spoil))
        .map((value) => JSON.parse(JSON.stringify(value)) as unknown)
        .filter((value) => !matches(schema, value)),
  };
}
