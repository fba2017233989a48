/** The metrics of requests, reads and invalidations. */
import type { Metric } from "./metric.ts";

/** The buckets in seconds that the semantic conventions advise for http.server.request.duration. */
const HTTP_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const;
const BYTES = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576] as const;
const LAG_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 60] as const;

export const READ_METRICS = {
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
} as const satisfies Readonly<Record<string, Metric>>;
