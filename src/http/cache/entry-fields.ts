import type { Entry } from "../../core/entry.ts";
import { readerOf, type FieldReader } from "../rfc/fields.ts";

/** Reads the stored response fields of an entry. */
export function fieldsOf({ http }: Pick<Entry, "http">): FieldReader {
  return readerOf(http?.headers ?? []);
}
