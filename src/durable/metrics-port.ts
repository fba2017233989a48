import type { WithTimeout } from "../core/deadline.ts";
import { shardOf } from "../core/hash.ts";
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
  readonly withTimeout: WithTimeout;
}

/** Presents the metrics objects as the port that telemetry knows. */
export function createMetricsPort(options: MetricsPortOptions): MetricsPort {
  const { stub, namespace, shards, timeoutMs, withTimeout } = options;
  const shard = (index: number): MetricsShardRpc => stub(`${namespace}-metrics-${index}`);

  return {
    // An isolate keeps to one object, which knows its last sequence.
    report: (report) =>
      withTimeout(shard(shardOf(report.isolate, shards)).report(report), timeoutMs),
    snapshots: () =>
      Promise.all(
        Array.from({ length: shards }, (_, index) =>
          withTimeout(shard(index).snapshot(), timeoutMs),
        ),
      ),
  };
}
