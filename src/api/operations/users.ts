/** The operations on users. */
import * as z from "zod/mini";
import { UserBatch } from "../inputs.ts";
import { described, type Operations } from "./operation.ts";
import { OF_READS } from "./problems.ts";
import { Instant, rowId, RowId } from "./values.ts";

const tag = "Users";

const User = z
  .strictObject({
    id: RowId,
    name: z.string(),
    city: z.string(),
    createdAt: Instant,
    email: z.optional(z.string()),
    age: z.optional(z.int().check(z.gte(0))),
  })
  .register(described, {
    id: "User",
    description: "`email` and `age` are there for the user's own session and the admin token only.",
  });

const USER = { id: 42, name: "Ada", city: "Bern", createdAt: "2026-11-28T12:00:00.000Z" };

export const userOperations: Operations = {
  "GET /users": {
    tag,
    summary: "Up to 100 users",
    description:
      "One request to Redis and at most one query to the database. It takes a token of the rate limit for each id. Private fields come with an admin token of the role `all`.",
    query: UserBatch,
    queryNotes: { ids: { description: "Ids, separated by commas.", example: [1, 2, 3] } },
    answers: {
      200: {
        description: "The users that exist, and the ids of the others.",
        body: z.strictObject({ items: z.array(User), missing: z.array(RowId) }),
        example: { items: [USER], missing: [43] },
      },
    },
    roleForMore: "all",
    problems: OF_READS,
    cached: true,
  },
  "GET /users/{id}": {
    tag,
    summary: "One user",
    description:
      "Private fields come with the user's own session or an admin token of the role `all`.",
    path: rowId,
    answers: { 200: { description: "The user.", body: User, example: USER } },
    roleForMore: "all",
    session: "optional",
    problems: ["not-found", ...OF_READS],
    cached: true,
  },
};
