/** The input of `GET /admin/why`. */
import * as z from "zod/mini";

const MAX_KEY = 512;
const MAX_PATH = 2_048;

/** A key, or the path of a GET request. */
export const WhyQuery = z
  .strictObject({
    key: z.optional(
      z
        .string()
        .check(
          z.maxLength(MAX_KEY, `at most ${MAX_KEY} characters`),
          z.regex(/^[!-~]*:[!-~]*$/, "must be a key of visible ASCII with a kind: `kind:id`"),
        ),
    ),
    url: z.optional(
      z
        .string()
        .check(
          z.maxLength(MAX_PATH, `at most ${MAX_PATH} characters`),
          z.regex(
            /^\/(?:[!-.0-[\]-~][!-~]*)?$/,
            "must be a path that begins with one slash, with its query",
          ),
        ),
    ),
  })
  .check(
    z.refine(({ key, url }) => (key === undefined) !== (url === undefined), {
      error: "name either key or url",
      path: ["key"],
    }),
  );
