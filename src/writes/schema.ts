/** The tables of the layer: the outbox, and those of live events, of messages and of idempotency keys. */
import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
} from "drizzle-orm/pg-core";

/**
 * A change and its outbox rows are committed in one transaction. One row has the tags before the
 * change, and one has the tags after it. The relay deletes a row after it has found the row's log
 * keys in the log:
 *
 *     number is null     committed; the invalidation is not known to have happened
 *     number is set      invalidated under that number
 *     settled            invalidated again after `lag_ms`, or no lag was given
 *     (deleted)          found in the log some time later
 */
export const outbox = pgTable(
  "outbox",
  {
    id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    /**
     * The namespace of the log, because one database may serve several. The default is for rows
     * that are older than the column.
     */
    namespace: text("namespace").notNull().default("strata"),
    /** The log keys, such as `t:product:42`. The column still has its first name, `members`. */
    logKeys: text("members").array().notNull(),
    /** The number that the log gave to the log keys. */
    number: bigint("number", { mode: "number" }),
    /** The instant at which the number was recorded. */
    invalidatedAt: timestamp("invalidated_at", { withTimezone: true }),
    /**
     * The milliseconds by which the origin's reads may lag behind this change. The row is
     * invalidated again after that time; 0 for never.
     */
    lagMs: integer("lag_ms").notNull().default(0),
    settled: boolean("settled").notNull().default(false),
    /** The relay that handles the row has it until then, so that no other one does. */
    claimedUntil: timestamp("claimed_until", { withTimezone: true }),
    createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    // The relay selects these rows first. Except during an outage, few rows have no number.
    index("outbox_open_index")
      .on(table.namespace, table.id)
      .where(sql`${table.number} is null`),
    // Rows that wait for their second invalidation or for their verification, the longest first.
    index("outbox_due_index")
      .on(table.namespace, table.invalidatedAt)
      .where(sql`${table.number} is not null`),
  ],
);

const instant = (name: string) => timestamp(name, { withTimezone: true });

/**
 * The events of topics that are not known to be delivered. A change and its events are committed in one
 * transaction. The row is deleted after the object of the topic has the event on disk.
 */
export const liveEvents = pgTable(
  "live_events",
  {
    id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    namespace: text("namespace").notNull(),
    topic: text("topic").notNull(),
    /** The Redis channel that gets the message too. */
    channel: text("channel"),
    /** A JSON object. */
    message: text("message").notNull(),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (table) => [
    index("live_events_topic_index").on(table.namespace, table.topic, table.id),
    check("live_events_message_check", sql`length(${table.message}) <= 1024`),
  ],
);

/** The name of the constraint that an id violates whose effect has been committed before. */
export const PROCESSED_KEY = "processed_messages_pk";

/**
 * The ids of messages and idempotency keys whose effect is committed. An id is inserted in the
 * transaction of its effect, so the effect is committed once.
 */
export const processedMessages = pgTable(
  "processed_messages",
  {
    namespace: text("namespace").notNull(),
    id: text("id").notNull(),
    processedAt: instant("processed_at").notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ name: PROCESSED_KEY, columns: [table.namespace, table.id] }),
    index("processed_messages_age_index").on(table.namespace, table.processedAt),
  ],
);

/** The messages that the consumer has given up. */
export const deadLetters = pgTable(
  "dead_letters",
  {
    namespace: text("namespace").notNull(),
    id: text("id").notNull(),
    /** The order in which the rows arrived. Pages of a list continue after it. */
    position: bigint("position", { mode: "number" }).notNull().generatedAlwaysAsIdentity(),
    kind: text("kind").notNull(),
    /** The message as it was sent, as JSON. Not jsonb, which refuses the character 0. */
    message: text("message").notNull(),
    error: text("error").notNull(),
    attempts: integer("attempts").notNull(),
    /** When the message was sent, and when its last attempt failed. */
    firstAt: instant("first_at").notNull(),
    lastAt: instant("last_at").notNull(),
    /** When the message was last sent again. Null if it was not. */
    replayedAt: instant("replayed_at"),
  },
  (table) => [
    primaryKey({ name: "dead_letters_pk", columns: [table.namespace, table.id] }),
    index("dead_letters_position_index").on(table.namespace, table.position),
  ],
);

/** The namespaces whose consumer is paused. */
export const pausedConsumers = pgTable("paused_consumers", {
  namespace: text("namespace").primaryKey(),
  pausedAt: instant("paused_at").notNull().defaultNow(),
});

/** The requests with an `Idempotency-Key`, and their answers. */
export const idempotencyKeys = pgTable(
  "idempotency_keys",
  {
    namespace: text("namespace").notNull(),
    /** The digest of the caller, the route and the key. */
    id: text("id").notNull(),
    /** The digest of the body. */
    fingerprint: text("fingerprint").notNull(),
    /** The name of the attempt that may store the answer, and how long no other one may begin. */
    claim: text("claim").notNull(),
    claimedUntil: instant("claimed_until").notNull(),
    /** The answer; null until there is one. The headers are a JSON list of pairs. */
    status: integer("status"),
    headers: text("headers"),
    /** The body of the answer in base64. Null if the answer has none, or one that is too large to store. */
    body: text("body"),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ name: "idempotency_keys_pk", columns: [table.namespace, table.id] }),
    index("idempotency_keys_age_index").on(table.namespace, table.createdAt),
  ],
);
