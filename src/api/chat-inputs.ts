/** The checks of the input of the chat. */
import * as z from "zod/mini";

const MAX_MESSAGE = 8_000;

/** The body of a question. `pace` is the speed at which a stored answer is streamed. */
export const ChatQuestion = z.strictObject({
  persona: z
    .string("must be text")
    .check(z.regex(/^[a-z0-9-]{1,32}$/, "must have 1 to 32 of a-z, 0-9 and -")),
  message: z
    .string("must be text")
    .check(
      z.maxLength(MAX_MESSAGE, `must have at most ${MAX_MESSAGE} characters`),
      z.regex(/\S/, "must not be empty"),
    ),
  stream: z.optional(z.boolean("must be true or false")),
  pace: z.optional(z.enum(["full", "recorded"], "must be full or recorded")),
});
export type ChatQuestion = z.infer<typeof ChatQuestion>;
