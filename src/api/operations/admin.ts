/** The operations for operators: purges, warm-ups, entries, limits and the level of service. */
import * as z from "zod/mini";
import { EntryQuery, LevelPin, LimitQuery, Warm } from "../admin-inputs.ts";
import { Purge } from "../inputs.ts";
import { described, type Answer, type Operations } from "./operation.ts";
import { OF_READS, OF_WRITES } from "./problems.ts";
import { Invalidation, Level, Millis } from "./values.ts";

const tag = "Admin";

const listOf = (item: object) => ({ items: { type: "string", minLength: 1, ...item } });
const VISIBLE = String.raw`^[^\u0000-\u001f\u007f\ud800-\udfff]*$`;
described.add(Purge.shape.tags, listOf({ maxLength: 256, pattern: VISIBLE }));
described.add(Purge.shape.keys, listOf({ maxLength: 512, pattern: "^[!-~]*:[!-~]*$" }));
described.add(Purge.shape.prefixes, listOf({ maxLength: 256, pattern: "^[!-9;-~]+:$" }));
const some = (name: string) => ({
  required: [name],
  properties: { [name]: { type: "array", minItems: 1 } },
});
described.add(Purge, {
  anyOf: [
    some("tags"),
    some("keys"),
    some("prefixes"),
    { required: ["everything"], properties: { everything: { const: true } } },
  ],
});

described.add(Warm, {
  anyOf: [
    { properties: { kind: { enum: ["products", "users"] } } },
    { not: { required: ["ids"] } },
  ],
});

/** The number of copies that an erasure removed from a tier. */
const removedCount = { removed: z.number(), fault: z.optional(z.string()) };
const Erased = z
  .strictObject({
    done: z.boolean(),
    cursor: z.optional(z.string()),
    resumeAt: z.optional(Millis),
    memory: z.strictObject({ removed: z.number(), elsewhere: z.literal("next-sync") }),
    edge: z.strictObject({ ...removedCount, elsewhereUntil: Millis }),
    shared: z.strictObject({ ...removedCount, state: z.enum(["done", "partial", "none"]) }),
  })
  .register(described, { id: "Erasure" });
const Purged = z.strictObject({ invalidation: Invalidation, erasure: z.optional(Erased) });

const State = z.strictObject({ state: z.enum(["unknown", "up", "slow", "down"]), since: Millis });
const Report = z
  .strictObject({
    level: Level,
    since: Millis,
    measured: Level,
    pin: z.optional(z.strictObject({ level: Level, until: Millis })),
    dependencies: z.strictObject({
      sql: State,
      redis: State,
      flight: State,
      log: State,
      limiter: State,
      session: State,
      http: State,
      model: State,
    }),
    deliveries: z.strictObject({ queue: State, telemetry: State }),
  })
  .register(described, { id: "LevelReport" });
const up = { state: "up", since: 1_796_000_000_000 };
const REPORT = {
  level: "normal",
  since: 1_796_000_000_000,
  measured: "normal",
  dependencies: {
    sql: up,
    redis: up,
    flight: up,
    log: up,
    limiter: up,
    session: up,
    http: up,
    model: up,
  },
  deliveries: { queue: up, telemetry: up },
};

const Tier = z.enum(["memory", "edge", "redis"]);
const Held = z.strictObject({
  tier: Tier,
  state: z.literal("held"),
  verdict: z.string(),
  kind: z.string(),
  ageSeconds: z.number(),
  freshForSeconds: z.number(),
  deletedInSeconds: z.number(),
  tags: z.array(z.string()),
  asOf: z.number(),
  era: z.string(),
  size: z.number(),
  etag: z.string(),
  loadCostMs: z.number(),
  status: z.optional(z.number()),
});
const Absent = z.strictObject({ tier: Tier, state: z.literal("absent") });
const Failed = z.strictObject({ tier: Tier, state: z.literal("failed"), fault: z.string() });

const Limits = z
  .strictObject({
    identity: z.string(),
    limits: z.array(
      z.strictObject({
        policy: z.string(),
        limit: z.number(),
        windowMs: z.number(),
        remaining: z.number(),
        resetMs: z.number(),
      }),
    ),
  })
  .register(described, { id: "Limits" });
const limits: Answer = {
  description: "Each limit that counts the identity, and what is left of it.",
  body: Limits,
  example: {
    identity: "ip:192.0.2.1",
    limits: [{ policy: "api-ip", limit: 100, windowMs: 60_000, remaining: 99, resetMs: 600 }],
  },
};
const identity = {
  identity: {
    schema: z.string().check(z.minLength(1), z.maxLength(256)),
    description: "`ip:<address>`, `user:<id>` or `endpoint:<method> <pattern>`, percent-encoded.",
    example: "ip:192.0.2.1",
  },
};

export const adminOperations: Operations = {
  "POST /admin/purge": {
    tag,
    summary: "Invalidates by tag, key, prefix, or everything, in every isolate",
    description:
      "With `soft`, entries become stale instead of unusable. With `erase`, their bytes are removed from every tier that can be reached; while `done` is false, send the same targets again with `cursor`, at `resumeAt` or later.",
    role: "purge",
    body: Purge,
    examples: {
      tag: { tags: ["product:42"] },
      everything: { everything: true, soft: true },
      erase: { tags: ["user:7"], erase: true },
    },
    answers: {
      200: {
        description: "The invalidation is in the log. An erasure is done.",
        body: Purged,
        example: { invalidation: "done" },
        fields: ["X-Invalidation"],
      },
      202: {
        description:
          "Redis does not answer, and the outbox holds the invalidation until it does; or an erasure is not done yet.",
        body: Purged,
        example: { invalidation: "deferred" },
        fields: ["X-Invalidation"],
      },
    },
    problems: OF_WRITES,
  },
  "POST /admin/warm": {
    tag,
    summary: "Loads products or users into Redis",
    description:
      "Without `ids`, up to 10,000 of the kind. `hottest`: the most read products and the users who log in most.",
    role: "purge",
    body: Warm,
    examples: { some: { kind: "products", ids: [1, 2, 3] }, hottest: { kind: "hottest" } },
    answers: {
      200: {
        description:
          "One line of JSON for each round. The last line has `finished` and the totals.",
        type: "application/x-ndjson",
        body: z.string(),
        example: '{"done":3,"total":3}\n{"finished":true,"loaded":3}\n',
      },
    },
    problems: OF_READS,
  },
  "GET /admin/entry": {
    tag,
    summary: "The entry of each tier under a key, without its body",
    role: "read",
    query: EntryQuery,
    queryNotes: { key: { description: "The key.", example: "product:42" } },
    answers: {
      200: {
        description: "The tiers, from the nearest to the farthest.",
        body: z.strictObject({ key: z.string(), tiers: z.array(z.union([Held, Absent, Failed])) }),
        example: { key: "product:42", tiers: [{ tier: "memory", state: "absent" }] },
      },
    },
  },
  "GET /admin/limits/{identity}": {
    tag,
    summary: "What an identity has left of each limit",
    role: "read",
    path: identity,
    query: LimitQuery,
    queryNotes: { plan: { description: "Reads the limits of this plan." } },
    answers: { 200: limits },
    problems: ["limits-unavailable"],
  },
  "DELETE /admin/limits/{identity}": {
    tag,
    summary: "Gives an identity its limits back",
    role: "all",
    path: identity,
    answers: { 200: limits },
    problems: ["limits-unavailable"],
  },
  "GET /admin/degradation": {
    tag,
    summary: "The level of service of the isolate that answers, and the state of each dependency",
    role: "read",
    answers: { 200: { description: "The level.", body: Report, example: REPORT } },
  },
  "PUT /admin/degradation": {
    tag,
    summary: "Sets the level of service of every isolate, for 60 minutes by default",
    description: "`auto` ends what was set.",
    role: "all",
    body: LevelPin,
    examples: { pin: { level: "degraded", minutes: 10 }, end: { level: "auto" } },
    answers: { 200: { description: "The level.", body: Report, example: REPORT } },
    problems: ["pin-unavailable"],
  },
};
