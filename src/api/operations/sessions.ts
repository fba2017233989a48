/** The operations on sessions. */
import * as z from "zod/mini";
import { NewSession, SessionId } from "../session-inputs.ts";
import { OF_CACHE_READS } from "./fields.ts";
import { described, type Operations } from "./operation.ts";
import { OF_READS } from "./problems.ts";
import { Count, Instant, RowId } from "./values.ts";

const tag = "Sessions";

const fields = { id: SessionId, userId: RowId, createdAt: Instant, expiresAt: Instant };
export const Session = z.strictObject(fields).register(described, {
  id: "Session",
  description:
    "`id` is the SHA-256 of the secret in the cookie. It names the session and opens nothing.",
});
export const SessionList = z.strictObject({
  items: z.array(z.strictObject({ ...fields, lastUsedAt: Instant, current: z.boolean() })),
  page: RowId,
  pageSize: Count,
  total: Count,
});

const ID = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";
const SESSION = {
  id: ID,
  userId: 42,
  createdAt: "2026-11-28T12:00:00.000Z",
  expiresAt: "2026-11-29T12:00:00.000Z",
};

export const sessionOperations: Operations = {
  "GET /sessions": {
    tag,
    summary: "The sessions of the user of the session cookie",
    answers: {
      200: {
        description: "The sessions, the oldest first. `current` is the one of the request.",
        body: SessionList,
        example: {
          items: [{ ...SESSION, lastUsedAt: "2026-11-28T12:30:00.000Z", current: true }],
          page: 1,
          pageSize: 1,
          total: 1,
        },
      },
    },
    session: "required",
  },
  "POST /sessions": {
    tag,
    summary: "Signs a user in",
    description:
      "Open under `npm run dev`. Elsewhere it needs an admin token of the role `all`, unless the application checks sign-ins itself. The session of the request's cookie ends.",
    body: NewSession,
    examples: { user: { userId: 42 } },
    answers: {
      201: {
        description: "The new session.",
        body: Session,
        example: SESSION,
        fields: ["Set-Cookie", "Location", ...OF_CACHE_READS],
      },
    },
    role: "all",
    problems: [
      "not-found",
      "cross-site-request",
      "sign-in-refused",
      "sessions-unavailable",
      ...OF_READS,
    ],
  },
  "DELETE /sessions": {
    tag,
    summary: "Ends all sessions of the user of the session cookie",
    answers: { 204: { description: "They have ended.", fields: ["Set-Cookie"] } },
    session: "required",
    problems: ["cross-site-request"],
  },
  "GET /sessions/current": {
    tag,
    summary: "The session of the session cookie",
    description: "Its idle time begins anew.",
    answers: { 200: { description: "The session.", body: Session, example: SESSION } },
    session: "required",
  },
  "DELETE /sessions/current": {
    tag,
    summary: "Ends the session of the session cookie",
    answers: { 204: { description: "It has ended.", fields: ["Set-Cookie"] } },
    session: "required",
    problems: ["cross-site-request"],
  },
  "DELETE /sessions/{id}": {
    tag,
    summary: "Ends one session of the user of the session cookie",
    path: { id: { schema: SessionId, description: "As `GET /sessions` lists it.", example: ID } },
    answers: { 204: { description: "It has ended.", fields: ["Set-Cookie"] } },
    session: "required",
    problems: ["not-found", "cross-site-request"],
  },
};
