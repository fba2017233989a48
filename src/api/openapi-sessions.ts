/** The paths under /sessions in the OpenAPI document. */
import {
  answer,
  body,
  guarded,
  integer,
  invalid,
  limited,
  listOf,
  missing,
  needs,
  object,
  problem,
  text,
} from "./openapi-parts.ts";

const session = { id: text, userId: integer(1), createdAt: text, expiresAt: text };
const own = {
  401: problem("The request has no session, or it has ended"),
  ...invalid,
  ...limited,
  503: problem("Redis does not answer; see Retry-After"),
};
const crossSite = { 403: problem("A page of another site may have sent the request") };

export const sessionPaths = {
  "/sessions": {
    get: {
      summary: "The sessions of the user of the request's session.",
      responses: {
        200: answer(
          "The list",
          object({
            items: listOf(object({ ...session, lastUsedAt: text, current: { type: "boolean" } })),
            page: integer(1),
            pageSize: integer(0),
            total: integer(0),
          }),
        ),
        ...own,
      },
    },
    post: {
      summary:
        "Signs a user in. Open under `npm run dev`; elsewhere with an admin token, unless the application checks sign-ins itself. A session of the request ends.",
      security: needs("all"),
      requestBody: body(object({ userId: integer(1) })),
      responses: {
        201: answer("The session; Set-Cookie gives its cookie", object(session)),
        ...missing,
        ...guarded,
      },
    },
    delete: {
      summary: "Ends all sessions of the user of the request's session.",
      responses: { 204: answer("They have ended"), ...own, ...crossSite },
    },
  },
  "/sessions/current": {
    get: {
      summary: "The session of the request. Its idle time begins anew.",
      responses: { 200: answer("The session", object(session)), ...own },
    },
    delete: {
      summary: "Ends the session of the request.",
      responses: { 204: answer("It has ended"), ...own, ...crossSite },
    },
  },
  "/sessions/{id}": {
    parameters: [{ name: "id", in: "path", required: true, schema: text }],
    delete: {
      summary: "Ends one session of the user of the request's session.",
      responses: {
        204: answer("It has ended"),
        404: problem("The user has no such session"),
        ...own,
        ...crossSite,
      },
    },
  },
} as const;
