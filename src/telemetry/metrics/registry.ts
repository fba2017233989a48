/**
 * Every metric there is: the one place that knows names, units, labels and buckets.
 * `docs/operations/metrics.md` lists the same, and a test compares the two.
 */
export interface Metric {
  readonly type: "counter" | "histogram" | "gauge";
  /** In UCUM, as OpenTelemetry asks. */
  readonly unit: string;
  readonly labels: readonly string[];
  readonly description: string;
  /** Upper bounds of a histogram's buckets, inclusive. */
  readonly bounds?: readonly number[];
  /** Where it is emitted. */
  readonly where: string;
}

/** Advised for http.server.request.duration by the semantic conventions. */
const HTTP_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const;
/** Advised for db.client.operation.duration by the semantic conventions. */
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
    where: "every request, when its response is ready",
  },
  "cache.lookups": {
    type: "counter",
    unit: "{lookup}",
    labels: ["cache.status", "cache.negative", "cache.unreachable"],
    description: "Lookups of one key, by what answered them.",
    where: "the end of every lookup",
  },
  "cache.step.duration": {
    type: "histogram",
    unit: "s",
    labels: ["cache.step", "cache.outcome"],
    bounds: HTTP_SECONDS,
    description: "Duration of the steps of lookups, by tier.",
    where: "every step that waits",
  },
  "cache.stale": {
    type: "counter",
    unit: "{lookup}",
    labels: ["cache.reason"],
    description: "Lookups that were answered past the fresh lifetime.",
    where: "the end of a lookup that was answered stale",
  },
  "cache.negative.hits": {
    type: "counter",
    unit: "{lookup}",
    labels: ["cache.status"],
    description: "Lookups that were answered by the knowledge that there is nothing.",
    where: "the end of a lookup that found a negative entry in a tier",
  },
  "cache.joins": {
    type: "counter",
    unit: "{lookup}",
    labels: [],
    description: "Lookups that waited for a load of another request.",
    where: "the end of a lookup that joined a flight",
  },
  "cache.rejections": {
    type: "counter",
    unit: "{entry}",
    labels: ["cache.tier", "cache.reason"],
    description: "Entries that were found and not used.",
    where: "a tier's entry that the invalidation log or the codec refuses",
  },
  "cache.refreshes": {
    type: "counter",
    unit: "{load}",
    labels: [],
    description: "Loads that were started in the background.",
    where: "the start of a refresh",
  },
  "cache.entry.size": {
    type: "histogram",
    unit: "By",
    labels: [],
    bounds: BYTES,
    description: "Size of the bodies of entries when they are stored.",
    where: "the end of a load whose result is stored",
  },
  "cache.origin.loads": {
    type: "counter",
    unit: "{load}",
    labels: ["cache.outcome"],
    description: "Loads from the origin.",
    where: "the end of every load",
  },
  "cache.origin.load.duration": {
    type: "histogram",
    unit: "s",
    labels: ["cache.outcome"],
    bounds: HTTP_SECONDS,
    description: "What loads from the origin cost.",
    where: "the end of every load",
  },
  "cache.filter.refusals": {
    type: "counter",
    unit: "{lookup}",
    labels: [],
    description: "Lookups that the existence filter answered.",
    where: "the existence filter, where one is configured",
  },
  "cache.purges": {
    type: "counter",
    unit: "{purge}",
    labels: ["cache.outcome"],
    description: "Invalidations by writes and purges.",
    where: "the end of an invalidation",
  },
  "cache.purge.members": {
    type: "counter",
    unit: "{member}",
    labels: [],
    description: "Tags, keys and prefixes that were invalidated.",
    where: "the end of an invalidation",
  },
  "cache.purge.lag": {
    type: "histogram",
    unit: "s",
    labels: [],
    bounds: LAG_SECONDS,
    description: "Time from an invalidation until an isolate knew of it.",
    where: "an isolate that applies an answer of the invalidation log with news in it",
  },
  "cache.log.answers": {
    type: "counter",
    unit: "{answer}",
    labels: ["cache.outcome"],
    description: "Answers of the invalidation log, by what became of them.",
    where: "every answer of the log",
  },
  "cache.faults": {
    type: "counter",
    unit: "{fault}",
    labels: ["cache.dependency", "error.type"],
    description: "Failures of what Strata depends on.",
    where: "every recorded fault",
  },
  "cache.memory.evictions": {
    type: "counter",
    unit: "{entry}",
    labels: [],
    description: "Entries that the memory tier gave up for others.",
    where: "each report of an isolate",
  },
  "cache.memory.usage": {
    type: "gauge",
    unit: "By",
    labels: [],
    description: "Bytes held by the memory tiers of the isolates that reported lately.",
    where: "each report of an isolate",
  },
  "cache.memory.entries": {
    type: "gauge",
    unit: "{entry}",
    labels: [],
    description: "Entries held by the memory tiers of the isolates that reported lately.",
    where: "each report of an isolate",
  },
  "cache.ratelimit.decisions": {
    type: "counter",
    unit: "{decision}",
    labels: ["cache.decision", "http.route"],
    description: "Decisions of the rate limiter.",
    where: "every response with the fields of a limit of this layer",
  },
  "db.client.operation.duration": {
    type: "histogram",
    unit: "s",
    labels: ["db.system.name", "db.operation.name", "error.type"],
    bounds: DB_SECONDS,
    description: "Duration of database client operations.",
    where: "every request to Redis or Postgres",
  },
  "cache.redis.commands": {
    type: "counter",
    unit: "{command}",
    labels: ["db.operation.name"],
    description: "Redis commands as Upstash bills them; what a script calls is counted too.",
    where: "every request to Redis",
  },
  "cache.sql.queries": {
    type: "counter",
    unit: "{query}",
    labels: [],
    description: "SQL queries; a batch is one request with several.",
    where: "every request to Postgres",
  },
  "cache.durable_object.calls": {
    type: "counter",
    unit: "{call}",
    labels: ["rpc.method", "error.type"],
    description: "Calls of Durable Objects, telemetry's own included.",
    where: "every call of a flight or metrics object",
  },
  "telemetry.dropped": {
    type: "counter",
    unit: "{item}",
    labels: ["telemetry.signal", "telemetry.reason"],
    description: "Spans, log records and metric series that were given up.",
    where: "a full buffer, a refused export, an export that was given up",
  },
  "telemetry.exports": {
    type: "counter",
    unit: "{export}",
    labels: ["telemetry.signal", "telemetry.outcome"],
    description: "Exports over OTLP.",
    where: "the end of every export",
  },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;
export type NameOf<T extends Metric["type"]> = {
  [N in MetricName]: (typeof METRICS)[N]["type"] extends T ? N : never;
}[MetricName];

/** The metric of a series, and its labels that are present. */
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
