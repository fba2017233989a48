/** The entry `strata/serializer`: a serializer for values that JSON loses. */
export { richSerializer } from "../data/rich-serializer.ts";
export { defineSerializer, type TextFormat } from "../data/define-serializer.ts";
export type { Serializer } from "../core/serializer.ts";
