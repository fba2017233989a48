/** The operations on the queue and its dead letters. */
import * as z from "zod/mini";
import { LetterList, ReplayAll } from "../message-inputs.ts";
import { described, type Answer, type Operations } from "./operation.ts";
import { OF_MESSAGES, OF_READS } from "./problems.ts";
import { Count, Instant } from "./values.ts";

const tag = "Messages";

const counts = { total: Count, waiting: Count };
const row = {
  id: z.string(),
  kind: z.string(),
  position: Count,
  error: z.string(),
  attempts: Count,
  firstAt: Instant,
  lastAt: Instant,
  replayedAt: z.optional(Instant),
};
const ROW = {
  id: "view:42:click-1",
  kind: "view",
  position: 7,
  error: "origin.rejected: a check of the database refused it",
  attempts: 5,
  firstAt: "2026-11-28T12:00:00.000Z",
  lastAt: "2026-11-28T12:05:00.000Z",
};
const Letter = z
  .strictObject({ ...row, message: z.unknown() })
  .register(described, { id: "DeadLetter" });

const replayed: Answer = {
  description: "The messages are in the queue. `unusable` are no messages of the application.",
  body: z.strictObject({ replayed: Count, unusable: Count }),
  example: { replayed: 1, unusable: 0 },
};

const Queue = z
  .strictObject({
    bound: z.boolean(),
    paused: z.boolean(),
    backlog: z.optional(z.number()),
    oldestAt: z.optional(Instant),
    deadLetters: z.strictObject(counts),
  })
  .register(described, { id: "Queue" });
const queue: Answer = {
  description: "The state of the queue after the request.",
  body: Queue,
  example: { bound: true, paused: false, backlog: 0, deadLetters: { total: 0, waiting: 0 } },
};

const id = { id: { schema: z.string(), description: "The id of the message.", example: ROW.id } };

export const queueOperations: Operations = {
  "GET /admin/queue": {
    tag,
    summary: "Whether the consumer is paused, and how many messages wait",
    role: "read",
    answers: { 200: queue },
    problems: OF_READS,
  },
  "POST /admin/queue/pause": {
    tag,
    summary: "Stops the consumer in all isolates",
    description: "Messages wait in the queue, and lose no attempts.",
    role: "all",
    answers: { 200: queue },
    problems: OF_READS,
  },
  "POST /admin/queue/resume": {
    tag,
    summary: "Lets the consumer go on",
    description: "Messages that were held come within 30 seconds.",
    role: "all",
    answers: { 200: queue },
    problems: OF_READS,
  },
  "GET /admin/dead-letters": {
    tag,
    summary: "The messages that the consumer has given up, without their content",
    role: "read",
    query: LetterList,
    queryNotes: {
      after: { description: "The position after which the list begins: `next` of the last page." },
    },
    answers: {
      200: {
        description: "Up to 50 letters. `next` is there if more follow.",
        body: z.strictObject({
          items: z.array(z.strictObject(row)),
          ...counts,
          next: z.optional(Count),
        }),
        example: { items: [ROW], total: 1, waiting: 1 },
      },
    },
    problems: OF_READS,
  },
  "POST /admin/dead-letters/replay": {
    tag,
    summary: "Sends the oldest letters again, at most 1,000",
    description: "10 a second by default. Letters that were sent again before are left out.",
    role: "all",
    body: ReplayAll,
    examples: { slowly: { perSecond: 1 } },
    answers: { 202: replayed },
    problems: [...OF_MESSAGES, ...OF_READS],
  },
  "GET /admin/dead-letters/{id}": {
    tag,
    summary: "One dead letter with its content",
    role: "read",
    path: id,
    answers: {
      200: {
        description: "The letter.",
        body: Letter,
        example: { ...ROW, message: { id: ROW.id, kind: "view", payload: { productId: 42 } } },
      },
    },
    problems: ["not-found", ...OF_READS],
  },
  "DELETE /admin/dead-letters/{id}": {
    tag,
    summary: "Deletes a dead letter",
    description: "A message that was sent again is still applied.",
    role: "all",
    path: id,
    answers: { 204: { description: "Deleted." } },
    problems: ["not-found", ...OF_READS],
  },
  "POST /admin/dead-letters/{id}/dry-run": {
    tag,
    summary: "Tries the effect of a letter without committing it",
    role: "all",
    path: id,
    answers: {
      200: {
        description: "What an attempt would do.",
        body: z.union([
          z.strictObject({ outcome: z.enum(["applies", "applied-before"]) }),
          z.strictObject({ outcome: z.literal("fails"), error: z.string() }),
        ]),
        example: { outcome: "applies" },
      },
    },
    problems: ["not-found", ...OF_READS],
  },
  "POST /admin/dead-letters/{id}/replay": {
    tag,
    summary: "Sends one letter again, under the same id",
    role: "all",
    path: id,
    answers: { 202: replayed },
    problems: ["not-found", ...OF_MESSAGES, ...OF_READS],
  },
};
