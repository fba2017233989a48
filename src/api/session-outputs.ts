/** The answers of the routes of sessions. Only tests load these schemas; the Worker uses their types. */
import * as z from "zod/mini";
import { SessionId } from "./session-inputs.ts";

const Instant = z.iso.datetime();
const Session = {
  id: SessionId,
  userId: z.int().check(z.gte(1)),
  createdAt: Instant,
  expiresAt: Instant,
};

/** One session. */
export const SessionView = z.strictObject(Session);
export type SessionView = z.infer<typeof SessionView>;

/** The sessions of a user. `current` is the one of the request. */
export const SessionList = z.strictObject({
  items: z.array(z.strictObject({ ...Session, lastUsedAt: Instant, current: z.boolean() })),
  page: z.literal(1),
  pageSize: z.int(),
  total: z.int(),
});
export type SessionList = z.infer<typeof SessionList>;
