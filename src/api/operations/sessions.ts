/** The operations on sessions. */
import * as z from "zod/mini";
import { NewSession, SessionId } from "../session-inputs.ts";
import { OF_CACHE_READS } from "./fields.ts";
import { described, type Operations } from "./operation.ts";
import { OF_READS } from "./problems.ts";
import { Count, Instant, RowId } from "./values.ts";

const tag = "Sessions";

const session = { id: SessionId, userId: RowId, createdAt: Instant, expiresAt: Instant };
const Session = z.strictObject(session).register(described, { id: "Session" });
const ID = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const SESSION = {
  id: ID,
  userId: 42,
  createdAt: "2026-11-28T12:00:00.000Z",
  expiresAt: "2026-11-28T13:00:00.000Z",
};

export const sessionOperations: Operations = {
  "GET /sessions": {
    tag,
    summary: "The sessions of the user of the request's session",
    session: "required",
    answers: {
      200: {
        description: "All of them, as one page. `current` marks the session of the request.",
        body: z.strictObject({
          items: z.array(z.strictObject({ ...session, lastUsedAt: Instant, current: z.boolean() })),
          page: z.literal(1),
          pageSize: Count,
          total: Count,
        }),
        example: {
          items: [{ ...SESSION, lastUsedAt: SESSION.createdAt, current: true }],
          page: 1,
          pageSize: 1,
          total: 1,
        },
        fields: ["Set-Cookie"],
      },
    },
  },
  "POST /sessions": {
    tag,
    summary: "Signs a user in",
    description:
      "Open under `npm run dev`. Elsewhere it needs an admin token, unless the application checks sign-ins itself. A session of the request ends. A request that a page of another site may have sent is refused.",
    role: "all",
    body: NewSession,
    examples: { ada: { userId: 42 } },
    answers: {
      201: {
        description: "The session. `Set-Cookie` has its cookie.",
        body: Session,
        example: SESSION,
        fields: ["Location", "Set-Cookie", ...OF_CACHE_READS],
      },
    },
    problems: [
      "sign-in-refused",
      "cross-site-request",
      "not-found",
      "sessions-unavailable",
      ...OF_READS,
    ],
  },
  "DELETE /sessions": {
    tag,
    summary: "Ends all sessions of the user of the request's session",
    session: "required",
    answers: { 204: { description: "They have ended.", fields: ["Set-Cookie"] } },
    problems: ["cross-site-request"],
  },
  "GET /sessions/current": {
    tag,
    summary: "The session of the request",
    description: "Its idle time begins anew.",
    session: "required",
    answers: {
      200: {
        description: "The session.",
        body: Session,
        example: SESSION,
        fields: ["Set-Cookie"],
      },
    },
  },
  "DELETE /sessions/current": {
    tag,
    summary: "Ends the session of the request",
    session: "required",
    answers: { 204: { description: "It has ended.", fields: ["Set-Cookie"] } },
    problems: ["cross-site-request"],
  },
  "DELETE /sessions/{id}": {
    tag,
    summary: "Ends one session of the user of the request's session",
    session: "required",
    path: {
      id: { schema: SessionId, description: "The id, as `GET /sessions` lists it.", example: ID },
    },
    answers: { 204: { description: "It has ended.", fields: ["Set-Cookie"] } },
    problems: ["cross-site-request", "not-found"],
  },
};
