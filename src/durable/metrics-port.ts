import type { MetricsPort } from "../core/metrics.ts";
import type { Millis } from "../core/time.ts";
import type { MetricsShardRpc } from "./metrics-shard.ts";

export interface MetricsPortOptions {
  /** A new stub for the object of this name. Stubs break for good on errors. */
  readonly stub: (name: string) => MetricsShardRpc;
  readonly namespace: string;
  /** Objects that the isolates are spread over. */
  readonly shards: number;
  readonly timeoutMs: Millis;
  readonly within: <T>(work: Promise<T>, ms: Millis) => Promise<T>;
}

/** Presents the metrics objects as the port that telemetry knows. */
export function createMetricsPort(options: MetricsPortOptions): MetricsPort {
  const { stub, namespace, shards, timeoutMs, within } = options;
  const shard = (index: number): MetricsShardRpc => stub(`${namespace}-metrics-${index}`);

  return {
    // An isolate keeps to one object, which knows its last sequence.
    report: (report) => within(shard(indexOf(report.isolate, shards)).report(report), timeoutMs),
    snapshots: () =>
      Promise.all(
        Array.from({ length: shards }, (_, index) => within(shard(index).snapshot(), timeoutMs)),
      ),
  };
}

/** FNV-1a, 32 bits: spreads isolates over shards. */
function indexOf(isolate: string, shards: number): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < isolate.length; i++)
    value = Math.imul(value ^ isolate.charCodeAt(i), 0x01000193);
  return (value >>> 0) % shards;
}
