/** The checks of the input of the routes of sessions. */
import * as z from "zod/mini";
import { MAX_INTEGER } from "./inputs.ts";

const UserId = z
  .int("must be a whole number")
  .check(z.gte(1, "must be at least 1"), z.lte(MAX_INTEGER, `must be at most ${MAX_INTEGER}`));

/** The SHA-256 of the secret in the cookie, in hex. */
export const SessionId = z
  .string("must be text")
  .check(z.regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits, as GET /sessions lists them"));

/** The body of a sign-in. */
export const NewSession = z.strictObject({ userId: UserId });
