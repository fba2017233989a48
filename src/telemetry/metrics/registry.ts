/**
 * A metric. Its name, unit, labels and buckets are defined only here. A test compares this table
 * with `docs/operations/metrics.md`, and with the calls that emit metrics.
 */
export interface Metric {
  readonly type: "counter" | "histogram" | "gauge";
  /** The unit in UCUM, as OpenTelemetry requires. */
  readonly unit: string;
  readonly labels: readonly string[];
  readonly description: string;
  /** Upper bounds of a histogram's buckets, inclusive. */
  readonly bounds?: readonly number[];
  /** The event at which the metric is emitted. */
  readonly where: string;
}

/** The buckets in seconds that the semantic conventions advise for http.server.request.duration. */
const HTTP_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const;
/** The buckets in seconds that the semantic conventions advise for db.client.operation.duration. */
const DB_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] as const;
const BYTES = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576] as const;
const LAG_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 60] as const;

export const METRICS = {
  "http.server.request.duration": {
    type: "histogram",
    unit: "s",
    labels: ["http.request.method", "http.route", "http.response.status_code", "url.scheme"],
    bounds: HTTP_SECONDS,
    description: "Duration of HTTP server requests.",
    where: "the end of a request, when its response is ready",
  },
  "cache.lookups": {
    type: "counter",
    unit: "{lookup}",
    labels: ["cache.status", "cache.negative", "cache.unreachable"],
    description: "Lookups, by the tier or load that answered.",
    where: "the end of a lookup",
  },
  "cache.step.duration": {
    type: "histogram",
    unit: "s",
    labels: ["cache.step", "cache.outcome"],
    bounds: HTTP_SECONDS,
    description:
      "Duration of the steps of requests: edge, Redis, log, flight, origin, SQL, rate limit.",
    where: "the end of a step that waited",
  },
  "cache.stale": {
    type: "counter",
    unit: "{lookup}",
    labels: ["cache.reason"],
    description: "Lookups that were answered with a stale entry.",
    where: "the end of a lookup that was answered with a stale entry",
  },
  "cache.negative.hits": {
    type: "counter",
    unit: "{lookup}",
    labels: ["cache.status"],
    description: "Lookups that were answered with a negative entry.",
    where: "the end of a lookup that a tier answered with a negative entry",
  },
  "cache.joins": {
    type: "counter",
    unit: "{lookup}",
    labels: [],
    description: "Lookups that shared a load of another request.",
    where: "the end of a lookup that shared a load",
  },
  "cache.rejections": {
    type: "counter",
    unit: "{entry}",
    labels: ["cache.tier", "cache.reason"],
    description: "Entries that a tier held and that were not used, or were too big for a tier.",
    where: "the rejection of an entry",
  },
  "cache.refreshes": {
    type: "counter",
    unit: "{load}",
    labels: [],
    description: "Refreshes: loads in the background.",
    where: "the start of a refresh",
  },
  "cache.unkeyed.reads": {
    type: "counter",
    unit: "{read}",
    labels: ["cache.part", "cache.outcome"],
    description: "Reads of parts of requests that the keys of cached routes do not name.",
    where: "the first read of such a part by a run of a cached route's handler",
  },
  "cache.entry.size": {
    type: "histogram",
    unit: "By",
    labels: [],
    bounds: BYTES,
    description: "Size of the bodies of stored entries.",
    where: "the end of a load whose result was stored",
  },
  "cache.origin.loads": {
    type: "counter",
    unit: "{load}",
    labels: ["cache.outcome"],
    description: "Loads from the origin.",
    where: "the end of a load",
  },
  "cache.origin.load.duration": {
    type: "histogram",
    unit: "s",
    labels: ["cache.outcome"],
    bounds: HTTP_SECONDS,
    description: "Duration of loads from the origin.",
    where: "the end of a load",
  },
  "cache.origin.refusals": {
    type: "counter",
    unit: "{call}",
    labels: ["cache.priority", "cache.reason"],
    description: "Calls of the origin that got no slot.",
    where: "the refusal of a slot",
  },
  "cache.origin.limit": {
    type: "gauge",
    unit: "{call}",
    labels: [],
    description:
      "Calls of the origin that may run at the same time in the isolates that reported in the last minute.",
    where: "a report of an isolate",
  },
  "cache.origin.running": {
    type: "gauge",
    unit: "{call}",
    labels: [],
    description: "Calls that held a slot in the isolates that reported in the last minute.",
    where: "a report of an isolate",
  },
  "cache.origin.waiting": {
    type: "gauge",
    unit: "{call}",
    labels: [],
    description: "Calls that waited for a slot in the isolates that reported in the last minute.",
    where: "a report of an isolate",
  },
  "cache.purges": {
    type: "counter",
    unit: "{purge}",
    labels: ["cache.outcome"],
    description: "Invalidations, by writes and by purges.",
    where: "the end of an invalidation",
  },
  "cache.purge.keys": {
    type: "counter",
    unit: "{key}",
    labels: [],
    description: "Invalidation keys that were invalidated: tags, keys and prefixes.",
    where: "the end of an invalidation",
  },
  "cache.purge.lag": {
    type: "histogram",
    unit: "s",
    labels: [],
    bounds: LAG_SECONDS,
    description: "Time from an invalidation until an isolate knew it.",
    where: "an answer of the invalidation log that has a change",
  },
  "cache.outbox.deferred": {
    type: "gauge",
    unit: "{row}",
    labels: [],
    description:
      "Rows of the outbox without a number, as the relay counted them last in the isolates that ran it in the last minute.",
    where: "a report of an isolate",
  },
  "cache.log.answers": {
    type: "counter",
    unit: "{answer}",
    labels: ["cache.outcome"],
    description: "Answers of the invalidation log, by how they were applied.",
    where: "an answer of the invalidation log",
  },
  "cache.log.syncs": {
    type: "counter",
    unit: "{sync}",
    labels: ["cache.log.source"],
    description: "Syncs with the invalidation log, by where the answer came from.",
    where: "the end of a sync in a layer that shares syncs",
  },
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

export type MetricName = keyof typeof METRICS;
export type NameOf<T extends Metric["type"]> = {
  [N in MetricName]: (typeof METRICS)[N]["type"] extends T ? N : never;
}[MetricName];

/** Parses the name of a series into its metric and its labels. Null if the metric is unknown. */
export function readSeries(series: string): {
  readonly name: MetricName;
  readonly metric: Metric;
  readonly labels: readonly (readonly [label: string, value: string])[];
} | null {
  const [name = "", ...values] = series.split("\0");
  if (!Object.hasOwn(METRICS, name)) return null;
  const metric: Metric = METRICS[name as MetricName];
  const labels = metric.labels.flatMap((label, i) =>
    values[i] ? [[label, values[i]] as const] : [],
  );
  return { name: name as MetricName, metric, labels };
}
