/** Derives JSON Schema (2020-12, as in OpenAPI 3.1) from the zod schemas that validate. */
import * as z from "zod/mini";
import { described, type Schema } from "./operation.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The subject of a schema: what clients send (`input`), or the value after it is read (`output`). */
export type Side = "input" | "output";

export interface JsonSchemas {
  /** Returns the schema; a reference to a component if its description has an id. */
  of(schema: Schema, side: Side): JsonSchema;
  /** The schemas with an id that were asked for so far, with those inside them. */
  readonly components: Readonly<Record<string, JsonSchema>>;
}

const DEFINITIONS = "#/$defs/";
const COMPONENTS = "#/components/schemas/";

/** Creates the schemas of one document, which share their components. */
export function createJsonSchemas(): JsonSchemas {
  const components: Record<string, JsonSchema> = {};

  function rename(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(rename);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        name,
        name === "$ref" && typeof member === "string"
          ? member.replace(DEFINITIONS, COMPONENTS)
          : rename(member),
      ]),
    );
  }

  return {
    components,
    of(schema, io) {
      // zod gives no reference for the outermost schema, so the schema is put into a list.
      const list = z.toJSONSchema(z.array(schema), { metadata: described, io });
      for (const [id, component] of Object.entries(list.$defs ?? {})) {
        const made = rename(component) as JsonSchema;
        const before = components[id];
        if (before !== undefined && JSON.stringify(before) !== JSON.stringify(made))
          throw new Error(`two schemas have the id ${id}`);
        components[id] = made;
      }
      return rename(list.items) as JsonSchema;
    },
  };
}
