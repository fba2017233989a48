/** The input and output of the routes of sessions. */
import * as z from "zod/mini";
import { MAX_INTEGER } from "./inputs.ts";

const UserId = z
  .int("must be a whole number")
  .check(z.gte(1, "must be at least 1"), z.lte(MAX_INTEGER, `must be at most ${MAX_INTEGER}`));
const Instant = z.iso.datetime();

/** The SHA-256 of the secret in the cookie, in hex. */
export const SessionId = z
  .string("must be text")
  .check(z.regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits, as GET /sessions lists them"));

/** The body of a sign-in. */
export const NewSession = z.strictObject({ userId: UserId });

/** One session. */
export const SessionView = z.strictObject({
  id: SessionId,
  userId: UserId,
  createdAt: Instant,
  expiresAt: Instant,
});
export type SessionView = z.infer<typeof SessionView>;

/** The sessions of a user. `current` is the one of the request. */
export const SessionList = z.strictObject({
  items: z.array(
    z.strictObject({
      id: SessionId,
      userId: UserId,
      createdAt: Instant,
      expiresAt: Instant,
      lastUsedAt: Instant,
      current: z.boolean(),
    }),
  ),
  page: z.literal(1),
  pageSize: z.int(),
  total: z.int(),
});
export type SessionList = z.infer<typeof SessionList>;
