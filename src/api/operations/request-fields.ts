/** The request fields that follow from what an operation declares. */
import * as z from "zod/mini";
import type { Operation, Parameter } from "./operation.ts";

/** The field of a request that has a value already. */
export const ifNoneMatch: Parameter = {
  schema: z.string(),
  description: "The ETag of the value that the client has. If it still holds, the answer is 304.",
};

const idempotencyKey: Parameter = {
  schema: z
    .string()
    .check(z.minLength(1), z.maxLength(255), z.regex(/^(?:"[ !#-[\]-~]{1,253}"|[!#-~]{1,255})$/)),
  description:
    "A text that names the request. A repetition gets the same answer, with `Idempotency-Replayed`.",
};

export function ownFieldsOf({
  cached,
  idempotent,
}: Operation): Readonly<Record<string, Parameter>> {
  return {
    ...(cached && { "If-None-Match": ifNoneMatch }),
    ...(idempotent && { "Idempotency-Key": idempotencyKey }),
  };
}
