import type { FieldReader, Fields } from "./fields.ts";

/** Reads stored fields as `Headers` does: names in any case, several lines joined. */
export function readerOf(fields: Fields): FieldReader {
  return {
    get(name) {
      const wanted = name.toLowerCase();
      let combined: string | null = null;
      for (const [field, value] of fields)
        if (field === wanted) combined = combined === null ? value : `${combined}, ${value}`;
      return combined;
    },
  };
}
