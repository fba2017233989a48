/** The operations for monitoring systems. */
import * as z from "zod/mini";
import { described, type Operations } from "./operation.ts";
import { Instant, Level } from "./values.ts";

const tag = "Health";

const State = z
  .strictObject({
    state: z.enum(["unknown", "up", "slow", "down"]),
    since: z.optional(Instant),
  })
  .register(described, { id: "DependencyState" });

const checks = z.strictObject({
  database: z.boolean(),
  redis: z.boolean(),
  edge: z.boolean(),
  flights: z.boolean(),
  log: z.boolean(),
  limits: z.boolean(),
  sessions: z.boolean(),
  queue: z.boolean(),
  origin: z.boolean(),
  telemetry: z.boolean(),
});

const Health = z
  .strictObject({
    status: z.enum(["ok", "degraded", "down"]),
    level: Level,
    since: Instant,
    pinnedUntil: z.optional(Instant),
    measured: z.optional(Level),
    checks,
    dependencies: z.strictObject({
      database: State,
      redis: State,
      flights: State,
      log: State,
      limits: State,
      sessions: State,
      queue: State,
      origin: State,
      telemetry: State,
    }),
  })
  .register(described, { id: "Health" });

const up = { state: "up", since: "2026-11-28T12:00:00.000Z" };
const HEALTH = {
  status: "ok",
  level: "normal",
  since: "2026-11-28T12:00:00.000Z",
  checks: {
    database: true,
    redis: true,
    edge: true,
    flights: true,
    log: true,
    limits: true,
    sessions: true,
    queue: true,
    origin: true,
    telemetry: true,
  },
  dependencies: {
    database: up,
    redis: up,
    flights: up,
    log: { state: "unknown" },
    limits: up,
    sessions: up,
    queue: { state: "unknown" },
    origin: { state: "unknown" },
    telemetry: { state: "unknown" },
  },
};

const Ready = z.strictObject({ ready: z.boolean() });

export const healthOperations: Operations = {
  "GET /health": {
    tag,
    summary: "The level of service, and the state of each dependency",
    description: "It waits for no dependency longer than the first check of a new isolate.",
    answers: {
      200: { description: "The Worker serves.", body: Health, example: HEALTH },
      503: { description: "The database does not answer.", body: Health },
    },
  },
  "GET /health/live": {
    tag,
    summary: "Whether the Worker runs",
    answers: {
      200: {
        description: "It runs.",
        body: z.strictObject({ status: z.literal("ok") }),
        example: { status: "ok" },
      },
    },
  },
  "GET /health/ready": {
    tag,
    summary: "Whether requests should be sent to this Worker",
    answers: {
      200: { description: "They should.", body: Ready, example: { ready: true } },
      503: { description: "The database does not answer.", body: Ready, example: { ready: false } },
    },
  },
  "GET /metrics": {
    tag,
    summary: "The metrics of all isolates, in the Prometheus text format",
    role: "scrape",
    answers: {
      200: {
        description: "The metrics.",
        type: "text/plain",
        body: z.string(),
        example: "cache_requests_total 1\n",
      },
    },
    problems: ["metrics-unbound"],
  },
};
