/** The metrics of dependencies, limits, messages and of telemetry itself. */
import { HTTP_SECONDS, type Metric } from "./metric.ts";

/** The buckets in seconds that the semantic conventions advise for db.client.operation.duration. */
const DB_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] as const;

export const SERVICE_METRICS = {
  "cache.faults": {
    type: "counter",
    unit: "{fault}",
    labels: ["cache.dependency", "error.type"],
    description: "Faults: failures of dependencies.",
    where: "a fault",
  },
  "cache.breaker.changes": {
    type: "counter",
    unit: "{change}",
    labels: ["cache.dependency", "cache.breaker.state"],
    description: "Changes of the state of a breaker, by the new state.",
    where: "a change of the state of a breaker",
  },
  "cache.breaker.open": {
    type: "gauge",
    unit: "{isolate}",
    labels: ["cache.dependency"],
    description: "Isolates that reported in the last minute and whose breaker is not closed.",
    where: "a report of an isolate",
  },
  "cache.memory.evictions": {
    type: "counter",
    unit: "{entry}",
    labels: [],
    description: "Entries that the memory tier evicted.",
    where: "a report of an isolate",
  },
  "cache.memory.usage": {
    type: "gauge",
    unit: "By",
    labels: [],
    description: "Bytes in the memory tiers of the isolates that reported in the last minute.",
    where: "a report of an isolate",
  },
  "cache.memory.entries": {
    type: "gauge",
    unit: "{entry}",
    labels: [],
    description: "Entries in the memory tiers of the isolates that reported in the last minute.",
    where: "a report of an isolate",
  },
  "cache.level.isolates": {
    type: "gauge",
    unit: "{isolate}",
    labels: ["cache.level"],
    description: "Isolates that reported in the last minute, by their level of service.",
    where: "a report of an isolate",
  },
  "cache.dependency.isolates": {
    type: "gauge",
    unit: "{isolate}",
    labels: ["cache.dependency", "cache.state"],
    description:
      "Isolates that reported in the last minute, by the state in which they see a dependency.",
    where: "a report of an isolate",
  },
  "cache.level.changes": {
    type: "counter",
    unit: "{change}",
    labels: ["cache.level"],
    description: "Changes of the level of service of isolates, by the new level.",
    where: "a change of the level",
  },
  "cache.degraded.answers": {
    type: "counter",
    unit: "{answer}",
    labels: ["cache.feature", "cache.level"],
    description: "Answers of `withDegradation` at a level that is not normal.",
    where: "an answer of withDegradation",
  },
  "cache.cron.duration": {
    type: "histogram",
    unit: "s",
    labels: ["cache.task", "cache.outcome"],
    bounds: HTTP_SECONDS,
    description: "Duration of the tasks of the cron trigger. The count is the number of runs.",
    where: "the end of a task of the cron trigger",
  },
  "cache.ratelimit.decisions": {
    type: "counter",
    unit: "{decision}",
    labels: ["cache.decision", "http.route"],
    description: "Decisions of the rate limiter.",
    where: "the end of a request that a rate limit of Strata has decided",
  },
  "db.client.operation.duration": {
    type: "histogram",
    unit: "s",
    labels: ["db.system.name", "db.operation.name", "error.type"],
    bounds: DB_SECONDS,
    description: "Duration of requests to Redis and Postgres.",
    where: "the end of a request to Redis or Postgres",
  },
  "cache.redis.commands": {
    type: "counter",
    unit: "{command}",
    labels: ["db.operation.name"],
    description: "Redis commands as Upstash bills them: a script, and each command that it calls.",
    where: "the end of a request to Redis",
  },
  "cache.sql.queries": {
    type: "counter",
    unit: "{query}",
    labels: [],
    description: "SQL queries. A batch is one request with several queries.",
    where: "the end of a request to Postgres",
  },
  "cache.durable_object.calls": {
    type: "counter",
    unit: "{call}",
    labels: ["rpc.method", "error.type"],
    description: "Calls of Durable Objects: flights, and reports of metrics.",
    where: "the end of a call of a flight object, the start of a report to a metrics object",
  },
  "cache.queue.sent": {
    type: "counter",
    unit: "{message}",
    labels: ["cache.message.kind", "error.type"],
    description: "Messages that were sent to the queue.",
    where: "the end of a call that sends messages",
  },
  "cache.queue.messages": {
    type: "counter",
    unit: "{message}",
    labels: ["cache.message.kind", "cache.outcome"],
    description: "Deliveries of messages, by how they ended. Each message ends as applied or dead.",
    where: "the end of a delivery of messages to the consumer",
  },
  "cache.answers": {
    type: "counter",
    unit: "{answer}",
    labels: ["cache.answer.source", "cache.outcome"],
    description:
      "Answers of the model to readers, by where they came from: a call, a running call that the reader joined, a stored answer, or a stale one.",
    where: "the end of an answer for one reader",
  },
  "cache.answer.tokens": {
    type: "counter",
    unit: "{token}",
    labels: ["cache.answer.use", "cache.token.type"],
    description:
      "Tokens of whole answers as the model counted them: spent by calls, or saved by answers without a call.",
    where: "the end of an answer for one reader",
  },
  "cache.answer.cost": {
    type: "counter",
    unit: "{USD}",
    labels: ["cache.answer.use", "cache.token.type"],
    description:
      "US dollars that the tokens cost by the prices in LLM_INPUT_PRICE and LLM_OUTPUT_PRICE.",
    where: "the end of an answer for one reader",
  },
  "telemetry.dropped": {
    type: "counter",
    unit: "{item}",
    labels: ["telemetry.signal", "telemetry.reason"],
    description: "Spans, log records and metric series that were dropped.",
    where: "a full queue, an export that was refused or given up, a series past the limit",
  },
  "telemetry.exports": {
    type: "counter",
    unit: "{export}",
    labels: ["telemetry.signal", "telemetry.outcome"],
    description: "Exports of spans and log records over OTLP.",
    where: "the end of an export",
  },
} as const satisfies Readonly<Record<string, Metric>>;
